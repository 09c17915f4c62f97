# SPDX-License-Identifier: MIT
"""How different samples look: from each other, within their classes, and from their targets."""

from __future__ import annotations

from ganbench.evaluation.math.pair_mean import PairMetric
from ganbench.registry import register


@register("lpips-diversity")
class LpipsDiversity(PairMetric):
    """Mean LPIPS distance between two random samples: 0 if all look the same.

    Paper: Zhang et al., 2018, arXiv:1801.03924

    Over up to 1,000 disjoint random pairs, so that pairs are independent. Published numbers pair
    in many ways (all pairs of 20 outputs, 19 pairs for each of 100 inputs, 50 pairs) and compare
    only with their like. The interval is Student's t of the mean (ddof 1, float64) for the
    generator's expectation. It is exact except for the shape of the distances: it covered the
    expectation in 91 to 95 % of simulated trials with 20 pairs of skewed distances, and in 94 to
    95 % with 100 or more.
    """

    better = "higher"
    needs = ("pairs",)
    network = "alexnet"
    parameters = "pairs<=1000/disjoint"


@register("lpips-within-class")
class LpipsWithinClass(PairMetric):
    """Mean LPIPS distance between two random samples of one class: low if classes collapse.

    Paper: Zhang et al., 2018, arXiv:1801.03924

    Over up to 1,000 disjoint random pairs, equally many of each class as far as there are. The
    interval is that of ``lpips-diversity``. It counts the differences between classes as if
    classes were drawn again, although their shares are fixed, so it is wider than it need be.
    """

    better = "higher"
    needs = ("class-pairs",)
    network = "alexnet"
    parameters = "pairs<=1000/disjoint"


@register("lpips-paired")
class LpipsPaired(PairMetric):
    """Mean LPIPS distance from each sample to the real image of the same name.

    Paper: Zhang et al., 2018, arXiv:1801.03924

    For reconstruction and translation, where each output has its target; 0 if all are equal. The
    interval is Student's t of the mean (ddof 1, float64), for the expectation over new pairs.
    """

    better = "lower"
    needs = ("counterparts",)
    network = "alexnet"
    parameters = "pairs=by-name"
