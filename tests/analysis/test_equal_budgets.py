# SPDX-License-Identifier: MIT
"""Variants at the same time and kimg, checked against numbers worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from ganbench.analysis.equal_budgets import equal_budgets, last_at
from ganbench.analysis.tables import metric_table
from ganbench.records.run_record import RunRecord


def test_at_the_same_time_the_last_measurement_before_it_counts(
    run: Callable[..., RunRecord],
) -> None:
    quick = ((5.0, 10.0, 8.0), (10.0, 20.0, 6.0))
    quicker = ((5.0, 9.0, 9.0), (10.0, 18.0, 7.0))
    slow = ((5.0, 15.0, 4.0), (10.0, 30.0, 2.0))
    runs = [
        run("quick", 0, 6.0, curve=quick),
        run("quick", 1, 7.0, curve=quicker),
        run("slow", 0, 2.0, curve=slow),
        run("slow", 1, None, curve=slow[:1], status="diverged", kimg=6.0, seconds=17.0),
    ]
    (budgets,) = equal_budgets(metric_table(runs, "ring8"))
    # The slower of the quick runs took 20 s: by then each quick run is done, slow is at 15 s.
    assert budgets.time.limit == 20.0
    assert budgets.time.values["quick"].value == 6.5
    assert budgets.time.values["slow"].value == 4.0
    assert budgets.time.values["slow"].n == 1, "a run that diverged before has no value"
    assert budgets.time.runs == {"quick": 2, "slow": 2}
    assert budgets.time.kimg == {"quick": 10.0, "slow": 5.0}
    assert budgets.kimg.limit == 10.0
    assert {name: estimate.value for name, estimate in budgets.kimg.values.items()} == {
        "quick": 6.5,
        "slow": 2.0,
    }


def test_the_same_kimg_takes_in_the_iteration_that_passes_it(run: Callable[..., RunRecord]) -> None:
    recipe = {"recipe": {"batch_size": 256, "discriminator_steps": 5}}
    even = run("even", 0, 1.0, curve=((5.0, 5.0, 4.0), (10.0, 10.0, 1.0)))
    over = run("over", 0, 2.0, curve=((5.12, 5.0, 4.0), (11.2, 10.0, 2.0)))
    table = metric_table([even, over], "ring8")
    assert equal_budgets(table)[0].kimg.values["over"].value == 4.0
    table = metric_table([even, replace(over, config=recipe)], "ring8")
    assert equal_budgets(table)[0].kimg.values["over"].value == 2.0


def test_equal_budgets_need_two_variants_with_curves(run: Callable[..., RunRecord]) -> None:
    curve = ((5.0, 10.0, 8.0),)
    assert equal_budgets(metric_table([run("a", 0, 8.0, curve=curve)], "ring8")) == []
    runs = [run("a", 0, 8.0, curve=curve), run("b", 0, 8.0)]
    assert equal_budgets(metric_table(runs, "ring8")) == []


@given(st.lists(st.floats(0, 100), max_size=6).map(sorted), st.floats(0, 100))
def test_last_at_is_the_last_within(points: list[float], limit: float) -> None:
    index = last_at(points, limit)
    if index is None:
        assert all(point > limit for point in points)
    else:
        assert points[index] <= limit * (1 + 1e-9)
        assert all(point > limit for point in points[index + 1 :])
