# SPDX-License-Identifier: MIT
"""How similar in structure samples are to each other."""

from __future__ import annotations

from ganbench.evaluation.evidence import Evidence
from ganbench.evaluation.math.pair_mean import mean_of_pairs
from ganbench.evaluation.metric import Metric, Value
from ganbench.registry import register


@register("ms-ssim")
class MultiScaleSimilarity(Metric):
    """Mean multi-scale structural similarity of two random samples: 1 if all are the same.

    Paper: Odena et al., 2017, arXiv:1610.09585

    A collapsed generator has a high value; compare it with the value of real images. Over up to
    1,000 disjoint random pairs of all samples, where the paper takes 100 pairs within each class.
    The interval is Student's t of the mean (ddof 1, float64), as in ``lpips-diversity``.
    """

    better = "lower"
    needs = ("pairs",)
    network = "structure"
    compares = False
    parameters = "pairs<=1000/disjoint"

    def compute(self, real: Evidence, fake: Evidence, *, seed: int) -> Value:
        """Return the mean of ``fake.distances`` (P,), which are similarities here.

        Raises:
            ConfigError: There are no similarities.
            InputError: There is no pair, or a similarity is not finite.
        """
        return mean_of_pairs(fake, metric=self.name)
