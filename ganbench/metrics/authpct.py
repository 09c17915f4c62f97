# SPDX-License-Identifier: MIT
"""How many samples are more than copies of training images."""

from __future__ import annotations

from scipy.stats import binomtest

from ganbench.evaluation.math.blocks import both
from ganbench.evaluation.math.neighborhoods import real_neighbors
from ganbench.evaluation.math.neighbors import nearest
from ganbench.evaluation.metric import Evidence, Metric, Value
from ganbench.registry import register


@register("authpct")
class Authenticity(Metric):
    """Share of samples that are no copies: not nearer to a training image than its neighbors.

    Paper: Alaa et al., 2022, arXiv:2102.08921

    A sample is authentic if its distance to the nearest real one, t, is > the distance of t to
    its nearest other real one; Euclidean, decided in float64. The real samples must be those that
    were trained on. Between 0 and 1: dgm-eval gives percent, and fld percent less 50, under one
    name. Fresh samples of the real distribution reach 0.6 to 0.8, as the floor shows. Each
    sample is judged by itself, so the value does not depend on how many there are, but it does on
    the number of real ones. The interval is Wilson's over the fakes, the reference held fixed: on
    simulated features it covered the expectation in 94 to 98 % of trials.
    """

    unit = "share"
    better = "higher"
    needs = ("features",)
    points = "features"

    def compute(self, real: Evidence, fake: Evidence, *, seed: int) -> Value:
        """Return the share of ``fake.features`` (N, d) that do not copy ``real.features`` (M, d).

        Raises:
            ConfigError: there are no features.
            InputError: too few samples, or features that are not finite.
        """
        reals, fakes = both(real, fake, metric="authpct", least_real=2, least_fake=1)
        found = nearest(fakes, 1, among=reals)
        apart = real_neighbors(reals).squared[found.indices[:, 0], 0]
        authentic = found.squared[:, 0] > apart
        share = binomtest(int(authentic.sum()), len(authentic))
        interval = share.proportion_ci(0.95, method="wilson")
        note = "95 % interval over the fakes by Wilson's formula, the reference held fixed"
        return Value(float(share.statistic), float(interval.low), float(interval.high), note)
