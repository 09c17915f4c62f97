# SPDX-License-Identifier: MIT
"""How far samples are from real images of the same name."""

from __future__ import annotations

from ganbench.evaluation.math.pair_mean import mean_of_pairs
from ganbench.evaluation.metric import Evidence, Metric, Value
from ganbench.registry import register


@register("lpips-paired")
class LpipsPaired(Metric):
    """Mean LPIPS distance from each sample to the real image of the same name.

    Paper: Zhang et al., 2018, arXiv:1801.03924

    For reconstruction and translation, where each output has its target; 0 if all are equal. The
    interval is Student's t of the mean (ddof 1, float64), for the expectation over new pairs.
    """

    better = "lower"
    needs = ("counterparts",)
    network = "alexnet"
    compares = False  # the real samples are in the distances already
    parameters = "pairs=by-name"

    def compute(self, real: Evidence, fake: Evidence, *, seed: int) -> Value:
        """Return the mean of ``fake.distances`` (P,); ``real`` and ``seed`` are not used.

        Raises:
            ConfigError: there are no distances.
            InputError: there is no pair, or a distance is not finite.
        """
        return mean_of_pairs(fake, metric="lpips-paired")
