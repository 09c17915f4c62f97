# SPDX-License-Identifier: MIT
"""Whether the best mean of a column is the best by a test, or only the best by luck."""

from __future__ import annotations

import math
from typing import Literal

from scipy import stats

from ganbench.analysis.comparison import ALPHA
from ganbench.analysis.significance import paired_difference
from ganbench.analysis.tables import MetricColumn, MetricTable, VariantRow

Support = Literal["significant", "not significant", "not tested", "shared"]

MOST_TIED = 3
"""A best mean that more variants than this share, or all of them, is not marked."""


def best_support(table: MetricTable, column: MetricColumn) -> Support:
    """Tell whether the best mean of a column is better than every other by a test, or shared.

    Each other variant is compared with the best one by a two-sided t test: a paired one over shared
    seeds, otherwise Welch's. All of them must have p < 0.05, so that no correction for their number
    is due (intersection-union test: Berger 1982). It is two-sided because the best was chosen by
    the same numbers. Over shared seeds the best must be the better one, too: a mean may owe its
    place to a seed that others lost.
    """
    measured = [row for row in table.rows if column.name in row.cells]
    best = [row for row in measured if row.cells[column.name].best]
    if len(best) == len(measured) > 1 or len(best) > MOST_TIED:  # many find all modes, for example
        return "shared"
    if len(best) != 1:  # a tie
        return "not significant"
    p_values = [_p_value(best[0], row, column) for row in measured if row is not best[0]]
    known = [p_value for p_value in p_values if p_value is not None]
    if len(known) < len(p_values):
        return "not tested"
    return "significant" if max(known) < ALPHA else "not significant"


def _p_value(best: VariantRow, other: VariantRow, column: MetricColumn) -> float | None:
    """Return the p value that the best is better than another; None where a side has one value."""
    by_seed, others = best.values_by_seed(column), other.values_by_seed(column)
    shared = [seed for seed in by_seed if seed in others]
    if len(shared) > 1:
        paired = paired_difference(
            [by_seed[seed] for seed in shared], [others[seed] for seed in shared]
        )
        difference = paired.difference.value
        if difference and (difference > 0) != (column.better == "higher"):
            return 1.0
        return paired.deciding_p_value
    values, other_values = best.values(column), other.values(column)
    if min(len(values), len(other_values)) < 2:
        return None
    p_value = float(stats.ttest_ind(values, other_values, equal_var=False).pvalue)
    return None if math.isnan(p_value) else p_value
