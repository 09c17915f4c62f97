# SPDX-License-Identifier: MIT
"""How different samples look from each other, in all and within their classes."""

from __future__ import annotations

from typing import ClassVar

from ganbench.evaluation.math.pair_mean import mean_of_pairs
from ganbench.evaluation.metric import Evidence, Metric, Need, Value
from ganbench.registry import register


@register("lpips-diversity")
class LpipsDiversity(Metric):
    """Mean LPIPS distance between two random samples: 0 if all look the same.

    Paper: Zhang et al., 2018, arXiv:1801.03924

    Over up to 1,000 disjoint random pairs, so that pairs are independent; published numbers pair
    in many ways (all pairs of 20 outputs, 19 pairs for each of 100 inputs, 50 pairs) and compare
    only with their like. The interval is Student's t of the mean (ddof 1, float64) for the
    generator's expectation: exact but for the shape of the distances, and covering in 91 to 95 %
    of simulated trials with 20 pairs of skewed distances, in 94 to 95 % with 100 or more.
    """

    better = "higher"
    needs: ClassVar[tuple[Need, ...]] = ("pairs",)
    network = "alexnet"
    compares = False
    parameters = "pairs<=1000/disjoint"

    def compute(self, real: Evidence, fake: Evidence, *, seed: int) -> Value:
        """Return the mean of ``fake.distances`` (P,); ``real`` and ``seed`` are not used.

        Raises:
            ConfigError: there are no distances.
            InputError: there is no pair, or a distance is not finite.
        """
        return mean_of_pairs(fake, metric="lpips-diversity")


@register("lpips-within-class")
class LpipsWithinClass(LpipsDiversity):
    """Mean LPIPS distance between two random samples of one class: low if classes collapse.

    Paper: Zhang et al., 2018, arXiv:1801.03924

    Over up to 1,000 disjoint random pairs, equally many of each class as far as there are. The
    interval is that of ``lpips-diversity``. It counts the differences between classes as if they
    were drawn anew, though their shares are fixed, so it is wider than need be.
    """

    needs = ("class-pairs",)

    def compute(self, real: Evidence, fake: Evidence, *, seed: int) -> Value:
        """Return the mean of ``fake.distances`` (P,); ``real`` and ``seed`` are not used.

        Raises:
            ConfigError: there are no distances.
            InputError: there is no pair, or a distance is not finite.
        """
        return mean_of_pairs(fake, metric="lpips-within-class", within=" within a class")
