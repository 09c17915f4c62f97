# SPDX-License-Identifier: MIT
"""The best mean is called the best only where a test says so against every other variant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from scipy import stats

from ganbench.analysis.best_mean import best_support
from ganbench.analysis.tables import metric_table
from ganbench.records.run_record import RunRecord


@pytest.fixture
def support(run: Callable[..., RunRecord]) -> Callable[..., str]:
    def of(*variants: Sequence[float | None], seeds: Sequence[int] = (0, 0, 0)) -> str:
        runs = [
            run("abc"[index], first + seed, value)
            for index, (first, values) in enumerate(zip(seeds, variants, strict=False))
            for seed, value in enumerate(values)
        ]
        table = metric_table(runs, "ring8")
        return best_support(table, table.columns[0])

    return of


def test_a_paired_test_decides_over_shared_seeds(support: Callable[..., str]) -> None:
    # Wide spreads over seeds, and yet each seed is better by nearly the same amount.
    a, b = [1.0, 5.0, 9.0, 13.0], [2.0, 6.1, 9.9, 14.0]
    assert stats.ttest_ind(a, b).pvalue > 0.5
    assert stats.ttest_rel(a, b).pvalue < 0.05
    assert support(a, b) == "significant"


@pytest.mark.parametrize("sign", [1, -1])
def test_a_mean_that_owes_its_place_to_a_lost_seed_is_not_the_best_by_a_test(
    run: Callable[..., RunRecord], sign: int
) -> None:
    """The last seed of a, which the others found hard, diverged: b is better on all the rest."""
    values = {"a": [20.0, 22.0, 24.0, 26.0, None], "b": [19.5, 21.4, 23.5, 25.4, 40.0]}
    better = "lower" if sign == 1 else "higher"
    runs = [run(name, seed, value) for name in values for seed, value in enumerate(values[name])]
    runs = [
        replace(
            each,
            metrics={
                metric: replace(found, value=sign * (found.value or 0), better=better)
                for metric, found in each.metrics.items()
            },
        )
        for each in runs
    ]
    table = metric_table(runs, "ring8")
    assert [row.variant for row in table.rows if row.cells["fid"].best] == ["a"]
    assert stats.ttest_rel(values["a"][:4], values["b"][:4]).pvalue < 0.001
    assert best_support(table, table.columns[0]) == "not significant"


def test_without_shared_seeds_it_is_welchs_test(support: Callable[..., str]) -> None:
    a, b = [1.0, 1.2, 1.1, 0.9], [1.5, 1.6, 1.4, 1.9]
    assert stats.ttest_ind(a, b, equal_var=False).pvalue < 0.05
    assert support(a, b, seeds=(0, 10)) == "significant"
    assert support(a, [1.0, 1.4, 1.1, 0.9], seeds=(0, 10)) == "not significant"


def test_every_other_variant_must_be_worse(support: Callable[..., str]) -> None:
    a, near, far = [1.0, 1.1, 1.2], [1.3, 0.9, 1.3], [9.0, 9.3, 9.1]
    assert support(a, far) == "significant"
    assert support(a, near, far) == "not significant"


def test_ties_and_single_runs_support_nothing(support: Callable[..., str]) -> None:
    assert support([1.0, 1.1], [1.0, 1.1], [9.0, 9.1]) == "not significant"
    assert support([1.0, 1.1], [1.0, 1.1], [1.1, 1.0]) == "shared"
    tied = [[1.0, 1.1]] * 4
    assert support(*tied, [9.0, 9.1]) == "shared"
    assert support([1.0], [9.0]) == "not tested"
    assert support([1.0, 1.1, 1.0], [9.0, None, None]) == "not tested"
