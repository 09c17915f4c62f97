# SPDX-License-Identifier: MIT
"""How many real neighborhoods a sample lies in."""

from __future__ import annotations

from scipy.stats import t as student

from ganbench.evaluation.math.neighborhoods import DENSITY_K, NeighborhoodMetric, Sweep
from ganbench.evaluation.metric import Value
from ganbench.registry import register


@register("density")
class Density(NeighborhoodMetric):
    """Mean number of real neighborhoods that a generated sample lies in, over k.

    Paper: Naeem et al., 2020, arXiv:2002.09797

    k = 5, strict <: a sample counts for each real one whose distance to it is < the distance of
    that one to its fifth nearest real neighbor, itself excluded. Not bounded by 1, which is the
    expectation where both distributions are the same. The interval is Student's over the fakes,
    the reference held fixed. On simulated features it covered the expectation in 94 to 99 % of
    trials.
    """

    parameters = "k=5/<"
    name = "density"
    least = (DENSITY_K + 1, 1)

    def of(self, found: Sweep) -> Value:
        """Return the mean number of balls over k, with Student's interval."""
        each = found.balls / DENSITY_K
        value = float(each.mean())
        if len(each) < 2 or not each.std():
            return Value(value, note="no interval: too few samples, or no spread among them")
        error = float(each.std(ddof=1)) / len(each) ** 0.5
        margin = float(student.ppf(0.975, len(each) - 1)) * error
        note = "95 % interval over the fakes by Student's formula, the reference held fixed"
        return Value(value, max(0.0, value - margin), value + margin, note)
