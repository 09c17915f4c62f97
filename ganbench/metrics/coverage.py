# SPDX-License-Identifier: MIT
"""The share of real samples with a generated one nearby."""

from __future__ import annotations

import numpy as np

from ganbench.evaluation.math.neighborhoods import (
    DENSITY_K,
    NeighborhoodMetric,
    Sweep,
    interval_of_share,
)
from ganbench.evaluation.metric import Value
from ganbench.registry import register


@register("coverage")
class Coverage(NeighborhoodMetric):
    """Share of real samples with a generated one in their neighborhood.

    Paper: Naeem et al., 2020, arXiv:2002.09797

    k = 5, strict <: a real sample counts if its distance to some generated one is < its distance
    to its fifth nearest real neighbor, itself excluded. The interval is for the expectation at
    this n over the fakes, the reference held fixed: Wilson's, for the n that has the variance of
    ``coverage_variance``. On simulated features it covered the expectation in 94 to 97 % of
    trials, and in 91 % where that was 0.999. A jackknife gave up to 1.6 times the true standard
    deviation.
    """

    unit = "share"
    parameters = "k=5/<"
    name = "coverage"
    least = (DENSITY_K + 1, 1)

    def of(self, found: Sweep) -> Value:
        """Return the share of real samples covered, with the jackknife's interval."""
        value = float((found.visitors > 0).mean())
        return interval_of_share(value, coverage_variance(found), found, 1.96)


def coverage_variance(found: Sweep) -> float:
    """Return the variance of the covered share over generated samples, the real ones fixed.

    For Poisson numbers of visitors, P(neither ball is visited) - P(one is not) P(other is not)
    has an unbiased estimate that is not 0 only where two real samples have the very same
    visitors: 1 for an odd number of them, -1 for an even one. The last term is for n that is
    fixed. The terms of a single visitor alone are what a jackknife gives, which is too much;
    where noise takes the estimate below half of them, that stands in.
    """
    visited = found.visitors > 0
    _, first, sizes = np.unique(found.parties[visited], return_index=True, return_counts=True)
    count, real = len(found.inside), len(found.visitors)
    parity = found.visitors[visited][first] % 2 * 2 - 1
    single = found.visitors[visited][first] == 1
    alone = float(np.square(sizes[single]).sum()) / real**2
    fixed = float(sizes[single].sum()) ** 2 / real**2 / count
    whole = float((parity * np.square(sizes)).sum()) / real**2 - fixed
    return max(whole, (alone - fixed) / 2, 0.0)
