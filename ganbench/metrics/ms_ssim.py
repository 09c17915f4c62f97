# SPDX-License-Identifier: MIT
"""How similar in structure samples are to each other."""

from __future__ import annotations

from ganbench.evaluation.math.pair_mean import PairMetric
from ganbench.registry import register


@register("ms-ssim")
class MultiScaleSimilarity(PairMetric):
    """Mean multi-scale structural similarity of two random samples: 1 if all are the same.

    Paper: Odena et al., 2017, arXiv:1610.09585

    A collapsed generator has a high value; compare it with the value of real images. Over up to
    1,000 disjoint random pairs of all samples, where the paper takes 100 pairs within each class.
    The interval is Student's t of the mean (ddof 1, float64), as in ``lpips-diversity``.
    """

    better = "lower"
    needs = ("pairs",)
    network = "structure"
    parameters = "pairs<=1000/disjoint"
