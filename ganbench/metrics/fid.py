# SPDX-License-Identifier: MIT
"""FID: the Frechet distance between Gaussians fitted to features of a network."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from scipy.stats import t as student

from ganbench import registry
from ganbench.errors import ConfigError, InputError
from ganbench.evaluation.math.frechet import Resampled, frechet_distance, resampled, square_root
from ganbench.evaluation.math.moments import Moments
from ganbench.evaluation.metric import Evidence, Metric, Points, Value
from ganbench.registry import register

__all__ = [
    "FrechetDistance",
    "checked_moments",
    "frechet_distance",
    "singular_warning",
    "square_root",
    "without_spread",
]

_NOTED_BIAS = 0.1
"""The share of the value from which on its bias is warned about."""


@register("fid")
class FrechetDistance(Metric):
    """Frechet distance between Gaussians fitted to features of real and generated images.

    Paper: Heusel et al., 2017, arXiv:1706.08500

    |m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)), with means and covariances (ddof 1) streamed in
    float64; torch-fidelity keeps the mean in float32, which moves the value by about 1e-6. It is
    computed from moments alone, so memory does not grow with n.

    The value falls with n: its bias is positive and, for n well above d, proportional to 1/n
    (arXiv:1911.07023), so two values compare only at equal counts. The interval is for the
    expectation at this n, over the fakes alone, the reference being held fixed: value +- t SE, SE
    from the exact delete-one jackknife over the fakes, or over 4,096 random ones of them. That
    overstates the variance rather than understating it (Efron & Stein, 1981). Simulated with d of
    16, 48 and 128 and n from d/2 to 50 d, the interval covered the expectation in 92 to 100 % of
    trials with Gaussian features (where real and fake are equal it is 1.5 times as wide as need
    be), in 90 to 99 % with rectified ones, in 88 to 98 % with the tails of Student's t with 10
    degrees of freedom, and in 94 to 98 % with 100 to 5,000 real digits or clothes in the features
    of mnist-cnn or fashion-cnn. With 4.5 degrees of freedom, where a few samples carry the
    covariance, it did in 31 to 91 %: no one set can show how wide it ought to be.

    ``bias`` is the jackknife's, for the number of fakes alone: value - bias is the estimate at
    infinitely many fakes. In the same simulations, heavy tails aside, it was right within 8 %
    from n = 2 d on and within 3 % from 10 d on; at n = d it is up to a third too large. FID of
    half as many samples, minus FID, would say the same with four to sixty times the noise.
    """

    better = "lower"
    needs = ("moments",)
    points: ClassVar[Points] = "features"
    parameters = "ddof=1"

    def compute(self, real: Evidence, fake: Evidence, *, seed: int) -> Value:
        """Return the distance of ``fake.moments`` from ``real.moments``; ``seed`` is not used.

        There is no interval without ``fake.probe``.

        Raises:
            ConfigError: there are no moments.
            InputError: fewer than two samples on a side, or features that differ in number or
                are not finite.
        """
        reference, fakes = checked_moments(real, fake, registry.name_of(self))
        if fake.probe is None or fakes.count < 3:
            reason = "only the mean and covariance of the samples are known"
            if fake.probe is not None:
                reason = f"there are only {fakes.count} samples"
            value = frechet_distance(reference, fakes)
            warning = singular_warning(reference, fakes)
            return Value(value, note=f"no interval: {reason}", warning=warning)
        found = resampled(reference, fakes, fake.probe)
        warning = _warning(found, reference, fakes)
        if without_spread(reference, fakes):
            note = "no interval: there is no spread among the samples"
            return Value(found.distance, note=note, warning=warning)
        margin = float(student.ppf(0.975, fakes.count - 1)) * found.standard_error
        return Value(
            found.distance,
            max(0.0, found.distance - margin),
            found.distance + margin,
            "95 % interval for the expectation at this n, from a jackknife over the fakes",
            bias=found.bias,
            warning=warning,
        )


def checked_moments(real: Evidence, fake: Evidence, metric: str) -> tuple[Moments, Moments]:
    """Return the moments of both sides, of equal size, finite, from two samples or more each.

    Raises:
        ConfigError: there are no moments.
        InputError: fewer than two samples on a side, or features that differ in number or are
            not finite.
    """
    for evidence, side in ((real, "real"), (fake, "fake")):
        if evidence.moments is None and evidence.count >= 2:
            raise ConfigError(f"{metric} needs moments of features, which this data does not have.")
        if evidence.moments is None or evidence.moments.count == 1:
            raise InputError(
                f"{metric} needs the features of at least 2 {side} samples, not {evidence.count}."
            )
        finite = np.isfinite(evidence.moments.mean).all()
        if not (finite and np.isfinite(evidence.moments.covariance).all()):
            raise InputError(
                f"{metric} needs finite features; some of the {side} ones are NaN or infinite."
            )
    assert real.moments is not None
    assert fake.moments is not None
    sizes = len(real.moments.mean), len(fake.moments.mean)
    if sizes[0] != sizes[1]:
        raise InputError(
            f"{metric} needs equally many features on both sides, not {sizes[0]} of the real "
            f"samples and {sizes[1]} of the fake ones.",
            "Describe both with one network.",
        )
    return real.moments, fake.moments


def singular_warning(real: Moments, fake: Moments) -> str:
    """Return a sentence if a covariance is singular because there are too few samples, or ''."""
    size = len(fake.mean)
    few = [
        f"{moments.count} {side}"
        for moments, side in ((real, "real"), (fake, "fake"))
        if 0 < moments.count <= size
    ]
    if not few:
        return ""
    return f"{' and '.join(few)} samples are too few for the covariance of {size} features"


def without_spread(real: Moments, fake: Moments) -> bool:
    """Tell whether all fakes are alike, up to rounding at the scale of the features."""
    scale = float(np.trace(real.covariance) + fake.mean @ fake.mean)
    return float(np.trace(fake.covariance)) <= float(np.finfo(np.float64).eps) * scale


def _warning(found: Resampled, real: Moments, fake: Moments) -> str:
    parts = [singular_warning(real, fake)]
    if found.bias > _NOTED_BIAS * found.distance:
        # A value may by chance lie below the bias, which is about that of the expectation.
        part = f"about {found.bias:.3g}" if found.bias < 0.9 * found.distance else "nearly all"
        parts.append(
            f"{part} of the {found.distance:.3g} is there because n is only {fake.count}: compare "
            "at equal n alone"
        )
    return "; ".join(filter(None, parts))
