# SPDX-License-Identifier: MIT
"""Counts of runs that went wrong: their test, and who fails."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats as scipy_stats

from ganbench.analysis.failures import Trouble, excess_p_value, fails


def boschloo(treatment: Trouble, baseline: Trouble) -> float:
    """Return Boschloo's one-sided p value by its definition: the worst case over shared rates.

    Tables count that have Fisher's one-sided p value or a smaller one.
    """

    def fisher(count: int, base_count: int) -> float:
        table = [
            [count, base_count],
            [treatment.runs - count, baseline.runs - base_count],
        ]
        return float(scipy_stats.fisher_exact(table, alternative="greater").pvalue)

    observed = fisher(treatment.count, baseline.count)
    counts = itertools.product(range(treatment.runs + 1), range(baseline.runs + 1))
    reached = [pair for pair in counts if fisher(*pair) <= observed * (1 + 1e-9)]
    rates = np.linspace(0, 1, 2001)
    return float(
        np.max(
            sum(
                scipy_stats.binom.pmf(count, treatment.runs, rates)
                * scipy_stats.binom.pmf(base_count, baseline.runs, rates)
                for count, base_count in reached
            )
        )
    )


@pytest.mark.parametrize(
    ("treatment", "baseline"),
    [
        (Trouble(3, 5), Trouble(0, 5)),
        (Trouble(2, 5), Trouble(1, 5)),
        (Trouble(1, 3), Trouble(0, 5)),
        (Trouble(4, 10), Trouble(1, 10)),
    ],
)
def test_the_p_value_is_boschloos(treatment: Trouble, baseline: Trouble) -> None:
    expected = boschloo(treatment, baseline)
    assert excess_p_value(treatment, baseline) == pytest.approx(expected, abs=2e-4)


def test_no_excess_has_no_p_value_below_one() -> None:
    for treatment, baseline in (
        ((0, 5), (0, 5)),
        ((1, 5), (2, 5)),
        ((5, 5), (5, 5)),
        ((0, 0), (0, 5)),
    ):
        assert excess_p_value(Trouble(*treatment), Trouble(*baseline)) == 1.0
    assert excess_p_value(Trouble(5, 5), Trouble(0, 0)) == 1.0


@pytest.mark.parametrize(
    ("treatment", "baseline", "expected"),
    [
        ((1, 5), (0, 5), True),
        ((3, 5), (0, 5), True),
        ((2, 5), (2, 5), False),
        ((1, 5), (2, 5), False),
        ((1, 40), (0, 40), False),
        ((4, 40), (0, 40), True),
        ((17, 200), (1, 200), True),  # less than one in ten more, but no chance
        ((3, 200), (0, 200), False),
        ((5, 5), (0, 0), False),
    ],
)
def test_more_runs_that_went_wrong_fail(
    treatment: tuple[int, int], baseline: tuple[int, int], expected: bool
) -> None:
    assert fails(Trouble(*treatment), Trouble(*baseline)) is expected
