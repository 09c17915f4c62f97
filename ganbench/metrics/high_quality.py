# SPDX-License-Identifier: MIT
"""The share of points that lie near a center of the mixture that they should follow."""

from __future__ import annotations

from scipy.stats import binomtest

from ganbench.errors import ConfigError
from ganbench.evaluation.metric import Evidence, Metric, Value
from ganbench.evaluation.mode_counts import count_modes
from ganbench.registry import register


@register("high-quality")
class HighQuality(Metric):
    """Share of points within 3 sigma of the nearest center of the mixture.

    Paper: Lin et al., 2017, arXiv:1712.04086

    Between 0 and 1; the mixture's own samples reach 1 - exp(-9/2) = 0.989 in the plane. The
    distance is Euclidean over sigma, and 3 sigma itself counts. The interval is Wilson's.
    """

    unit = "share"
    better = "higher"
    points = "mixture"
    network = None
    compares = False

    def compute(self, real: Evidence, fake: Evidence, *, seed: int) -> Value:
        """Return the share of ``fake.points`` (N, D); ``real`` and ``seed`` are not used.

        Raises:
            ConfigError: there are no points, or no mixture that they should follow.
            InputError: no samples, or some that are not finite.
        """
        if fake.points is None:
            raise ConfigError("high-quality needs points of a known mixture, not images.")
        counts = count_modes(fake, "high-quality")
        share = binomtest(counts.counted, counts.samples)
        interval = share.proportion_ci(0.95, method="wilson")
        note = "95 % interval by Wilson's formula"
        return Value(float(share.statistic), float(interval.low), float(interval.high), note)
