# SPDX-License-Identifier: MIT
"""FID and its relatives: Frechet distances between Gaussians fitted to features of a network."""

from __future__ import annotations

from typing import ClassVar

from ganbench.evaluation.evidence import Evidence
from ganbench.evaluation.math.frechet_value import frechet_floor, frechet_value
from ganbench.evaluation.metric import Floor, Metric, PointSupport, Value
from ganbench.registry import register


@register("fid")
class FrechetDistance(Metric):
    """Frechet distance between Gaussians fitted to features of real and generated images.

    Paper: Heusel et al., 2017, arXiv:1706.08500

    |m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)), with means and covariances (ddof 1) streamed in
    float64; torch-fidelity keeps the mean in float32, which moves the value by about 1e-6. It is
    computed from moments alone, so memory does not grow with n.

    The value falls with n: its bias is positive and, for n well above d, proportional to 1/n
    (arXiv:1911.07023), so two values compare only at equal counts. The interval is for the
    expectation at this n, over the fakes alone, the reference held fixed: value +- t SE, with SE
    from the exact delete-one jackknife over the fakes, or over 4,096 random ones of them. The
    jackknife overstates the variance rather than understating it (Efron & Stein, 1981). Simulated
    with d of 16, 48, and 128 and n from d/2 to 50 d, the interval covered the expectation in 92 to
    100 % of trials with Gaussian features (where real and fake are equal it is 1.5 times as wide as
    it need be), in 90 to 99 % with rectified ones, in 88 to 98 % with the tails of Student's t with
    10 degrees of freedom, and in 94 to 98 % with 100 to 5,000 real digits or clothes in the
    features of mnist-cnn or fashion-cnn. With 4.5 degrees of freedom, where a few samples carry the
    covariance, coverage was 31 to 91 %: no single set can show how wide the interval ought to be.

    ``bias`` is the sum of the jackknife's over the fakes and over the reference: value - bias is
    the estimate at infinitely many samples of both. Where the reference is a file of statistics,
    it is for the fakes alone. In the same simulations, heavy tails aside, it was right within 8 %
    from n = 2 d on and within 3 % from 10 d on; at n = d it is up to a third too large. FID of
    half as many samples, minus FID, would say the same with four to sixty times the noise.
    """

    better = "lower"
    needs = ("moments",)
    points: ClassVar[PointSupport] = "features"
    parameters = "ddof=1"

    def compute(self, real: Evidence, fake: Evidence, *, seed: int) -> Value:
        """Return the distance of ``fake.moments`` from ``real.moments``; ``seed`` is not used.

        There is no interval without ``fake.probe``.

        Raises:
            ConfigError: There are no moments.
            InputError: There are fewer than two samples on a side, or features that differ in
                number or are not finite.
        """
        return frechet_value(real, fake, metric=self.name)

    def floor(self, real: Evidence, n_fake: int) -> Floor | None:
        """Return the expected distance where there are at least two samples for each feature."""
        return frechet_floor(real, n_fake)


@register("clean-fid")
class CleanFID(FrechetDistance):
    """FID with images resized to Inception's 299 pixels by an antialiased bicubic filter.

    Paper: Parmar et al., 2022, arXiv:2104.11222

    Value, interval, bias, and warnings are as in ``fid``. clean-fid itself keeps the mean in
    float32, and takes the real part of a complex square root without looking at the rest.
    """

    network = "inception-clean"
    points = "no"


@register("sfid")
class SpatialFID(FrechetDistance):
    """FID of features that keep their places, which notices where things are in an image.

    Paper: Nash et al., 2021, arXiv:2103.03841

    The features are the first 7 channels of a layer in the middle of Inception, 17 x 17 places
    each, as in ADM's evaluator. Value, interval, bias, and warnings are as in ``fid``.
    """

    network = "inception-spatial"
    points = "no"


@register("fd-dinov2")
class DinoDistance(FrechetDistance):
    """Frechet distance of DINOv2's features, which agrees better with people than Inception's.

    Paper: Stein et al., 2023, arXiv:2306.04675

    Value, interval, bias, and warnings are as in ``fid``. torch-fidelity's distance with DINOv2
    resizes otherwise than the paper, and is another number.
    """

    network = "dinov2"
    points = "no"
