# SPDX-License-Identifier: MIT
"""Counts of runs that went wrong: their test, and how often it errs."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats as scipy_stats

from ganbench.analysis.failures import Trouble, failure_p_value, visibly_more


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
    expected = min(1.0, 2 * boschloo(treatment, baseline))
    assert failure_p_value(treatment, baseline) == pytest.approx(expected, abs=4e-4)
    assert failure_p_value(baseline, treatment) == failure_p_value(treatment, baseline)


def test_equal_shares_have_no_p_value_below_one() -> None:
    for treatment, baseline in (((0, 5), (0, 5)), ((5, 5), (5, 5)), ((0, 0), (0, 5))):
        assert failure_p_value(Trouble(*treatment), Trouble(*baseline)) == 1.0
    assert failure_p_value(Trouble(5, 5), Trouble(0, 0)) == 1.0
    assert failure_p_value(Trouble(0, 0), Trouble(5, 5)) == 1.0


@pytest.mark.parametrize("runs", [3, 5, 8])
def test_two_equal_treatments_seldom_get_a_verdict_in_either_direction(runs: int) -> None:
    """Exact, at any rate of failing: a one-sided test each way errs up to 8 % of the time."""
    rates = np.linspace(0.01, 0.99, 99)
    counts = [scipy_stats.binom.pmf(count, runs, rates) for count in range(runs + 1)]
    errs = sum(
        counts[first] * counts[second]
        for first, second in itertools.product(range(runs + 1), repeat=2)
        if failure_p_value(Trouble(first, runs), Trouble(second, runs)) < 0.05
    )
    assert 0.01 < np.max(errs) < 0.05


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
def test_visibly_more_runs_that_went_wrong_close_a_gate(
    treatment: tuple[int, int], baseline: tuple[int, int], expected: bool
) -> None:
    assert visibly_more(Trouble(*treatment), Trouble(*baseline)) is expected
