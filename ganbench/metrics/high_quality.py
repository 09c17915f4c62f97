# SPDX-License-Identifier: MIT
"""The share of points that lie near a center of the mixture that they should follow."""

from __future__ import annotations

from typing import ClassVar

from ganbench.errors import ConfigError
from ganbench.evaluation.evidence import Evidence
from ganbench.evaluation.math.intervals import share_by_wilson
from ganbench.evaluation.metric import Need, Value
from ganbench.evaluation.mode_counts import ModeCounts, ModeMetric
from ganbench.registry import register


@register("high-quality")
class HighQuality(ModeMetric):
    """Share of points within 3 sigma of the nearest center of the mixture.

    Paper: Lin et al., 2017, arXiv:1712.04086

    Between 0 and 1; the mixture's own samples reach 1 - exp(-9/2) = 0.989 in the plane. The
    distance is Euclidean over sigma, and 3 sigma itself counts. The interval is Wilson's.
    """

    unit = "share"
    better = "higher"
    needs: ClassVar[tuple[Need, ...]] = ()

    def compute(self, real: Evidence, fake: Evidence, *, seed: int) -> Value:
        """Return the share of ``fake.points`` (N, D); ``real`` and ``seed`` are not used.

        Raises:
            ConfigError: There are no points, or there is no mixture that they should follow.
            InputError: There are no samples, or some are not finite.
        """
        if fake.points is None:
            raise ConfigError(f"{self.name} needs points of a known mixture, not images.")
        return super().compute(real, fake, seed=seed)

    def of_counts(self, counts: ModeCounts, *, seed: int) -> Value:
        """Return the share of samples that count, with Wilson's interval."""
        return share_by_wilson(counts.counted, counts.samples, "95 % interval by Wilson's formula")
