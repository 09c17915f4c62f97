# SPDX-License-Identifier: MIT
"""Tables and comparisons against numbers worked out by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganbench.analysis import number_text
from ganbench.analysis.comparison import choose_baseline, compare_to
from ganbench.analysis.equal_budgets import equal_budgets, last_at
from ganbench.analysis.published import published_rows
from ganbench.analysis.stats import Estimate, mean_interval
from ganbench.analysis.tables import comparable, metric_table
from ganbench.errors import ConfigError, UnknownNameError
from ganbench.records.measurement import Measurement
from ganbench.records.run_record import Curve, RunRecord


def run(
    variant: str,
    seed: int,
    fid: float | None,
    *,
    status: str = "done",
    protocol: str = "fid/v1",
    curve: tuple[tuple[float, float, float], ...] = (),
    kimg: float = 10.0,
    seconds: float = 100.0,
) -> RunRecord:
    """Return a run with one metric; ``curve`` is of (kimg, seconds, value)."""
    metrics = {}
    if fid is not None:
        metrics = {"fid": Measurement(fid, n=100, floor=0.5, protocol=protocol, better="lower")}
    curves = ()
    if curve:
        kimgs, times, values = zip(*curve, strict=True)
        curves = (Curve("fid", kimgs, times, values, protocol, "lower"),)
    return RunRecord(
        name=f"{variant}-{seed}",
        status=status,
        model="gan",
        dataset="ring8",
        variant=variant,
        seed=seed,
        kimg=kimg,
        seconds=seconds,
        images_per_second=100.0,
        metrics=metrics,
        curves=curves,
    )


def test_a_cell_is_the_mean_over_seeds_with_its_interval() -> None:
    table = metric_table([run("a", seed, fid) for seed, fid in enumerate([1.0, 2.0, 3.0])], "ring8")
    cell = table.row("a").cells["fid"]
    assert cell.estimate == mean_interval([1.0, 2.0, 3.0])
    assert [value.seed for value in cell.values] == [0, 1, 2]
    assert table.floors == {"fid": 0.5}
    assert not cell.best, "the only one is not the best"
    assert metric_table([], "ring8").rows == ()


def test_runs_that_diverged_count_as_runs_and_unfinished_ones_do_not() -> None:
    runs = [
        run("a", 0, 1.0),
        run("a", 1, None, status="diverged", seconds=1.0),
        run("a", 2, 3.0, status="collapsed"),
        run("a", 3, 9.0, status="running"),
        run("a", 4, 9.0, status="damaged"),
    ]
    row = metric_table(runs, "ring8").row("a")
    assert (row.cells["fid"].estimate.n, row.cells["fid"].runs) == (2, 3)
    assert row.cells["fid"].estimate.value == 2.0
    assert list(row.statuses.items()) == [
        ("done", 1),
        ("diverged", 1),
        ("collapsed", 1),
        ("running", 1),
        ("damaged", 1),
    ]
    assert row.seconds is not None
    assert row.seconds.value == 100.0, "a run cut short says nothing of the time that is needed"


def test_the_best_is_the_lowest_where_lower_is_better_and_ties_share_it() -> None:
    runs = [run("a", 0, 2.0), run("b", 0, 1.0), run("c", 0, 1.0), run("d", 0, None)]
    table = metric_table(runs, "ring8")
    assert {row.variant: row.cells["fid"].best for row in table.rows if row.cells} == {
        "a": False,
        "b": True,
        "c": True,
    }


def test_protocols_never_mix() -> None:
    runs = [
        run("a", 0, 1.0, protocol="fid/v1 n=100 seed=0"),
        run("a", 1, 3.0, protocol="fid/v1 n=100 seed=1"),
        run("b", 0, 50.0, protocol="fid/v1 n=50 seed=0"),
    ]
    table = metric_table(runs, "ring8")
    assert [column.protocol for column in table.columns] == ["fid/v1 n=100", "fid/v1 n=50"]
    assert table.mixed == ("fid",)
    assert [list(row.cells) for row in table.rows] == [["fid [protocol 1]"], ["fid [protocol 2]"]]
    assert table.row("a").cells["fid [protocol 1]"].estimate.value == 2.0
    assert compare_to(table, "a") == []


@pytest.mark.parametrize(
    ("protocol", "expected"),
    [
        ("fid/v1/n=5000/seed=3/ema", "fid/v1/n=5000/ema"),
        ("fid, seed 3, split test", "fid, split test"),
        ("seed=3", ""),
        ("training-seed=3", "training-seed=3"),
        ("reseed=3", "reseed=3"),
    ],
)
def test_the_seed_is_no_part_of_what_must_agree(protocol: str, expected: str) -> None:
    assert comparable(protocol) == expected


def test_a_comparison_pairs_by_seed() -> None:
    runs = [run("base", seed, fid) for seed, fid in enumerate([10.0, 20.0, 30.0, 40.0])]
    runs += [run("new", seed, fid) for seed, fid in [(3, 38.5), (1, 18.5), (0, 9.0), (9, 0.0)]]
    (found,) = compare_to(metric_table(runs, "ring8"), "base")
    assert found.paired is not None
    # Seeds 0, 1, 3: differences -1, -1.5, -1.5.
    assert found.paired.difference == mean_interval([-1.5, -1.5, -1.0])
    assert found.paired.n == 3
    assert found.verdict == "better"
    assert found.paired.p_value == 0.25
    # All pairs in which new is lower: 38.5 < 40 (1), 18.5 < 20, 30, 40 (3), 9 and 0 always (4).
    assert found.improvement.probability == 12 / 16


def test_without_shared_seeds_there_is_no_pair() -> None:
    table = metric_table([run("base", 0, 1.0), run("new", 1, 2.0)], "ring8")
    (found,) = compare_to(table, "base")
    assert (found.paired, found.corrected, found.verdict) == (None, None, "unclear")
    assert found.improvement.probability == 0.0


def test_p_values_are_corrected_over_the_whole_table() -> None:
    runs = [run("base", seed, 10.0) for seed in range(3)]
    runs += [run(name, seed, 9.0 - seed) for name in ("x", "y") for seed in range(3)]
    found = compare_to(metric_table(runs, "ring8"), "base")
    assert [one.paired.p_value for one in found if one.paired] == [0.25, 0.25]
    assert [one.corrected for one in found] == [0.5, 0.5]


def test_the_baseline_is_vanilla_unless_another_is_named() -> None:
    table = metric_table([run("a", 0, 1.0), run("vanilla", 0, 2.0)], "ring8")
    assert choose_baseline(table) == "vanilla"
    assert choose_baseline(table, "a") == "a"
    with pytest.raises(UnknownNameError, match="Did you mean 'vanilla'"):
        choose_baseline(table, "vanila")


def test_at_the_same_time_the_last_measurement_before_it_counts() -> None:
    quick = ((5.0, 10.0, 8.0), (10.0, 20.0, 6.0))
    quicker = ((5.0, 9.0, 9.0), (10.0, 18.0, 7.0))
    slow = ((5.0, 15.0, 4.0), (10.0, 30.0, 2.0))
    runs = [
        run("quick", 0, 6.0, curve=quick),
        run("quick", 1, 7.0, curve=quicker),
        run("slow", 0, 2.0, curve=slow),
        run("slow", 1, None, curve=slow[:1], status="diverged", kimg=6.0, seconds=17.0),
    ]
    (found,) = equal_budgets(metric_table(runs, "ring8"))
    # The slower of the quick runs took 20 s: by then each quick run is done, slow is at 15 s.
    assert found.time.limit == 20.0
    assert found.time.values["quick"].value == 6.5
    assert found.time.values["slow"].value == 4.0
    assert found.time.values["slow"].n == 1, "a run that diverged before has no value"
    assert found.time.runs == {"quick": 2, "slow": 2}
    assert found.time.kimg == {"quick": 10.0, "slow": 5.0}
    assert found.kimg.limit == 10.0
    assert {name: one.value for name, one in found.kimg.values.items()} == {
        "quick": 6.5,
        "slow": 2.0,
    }


def test_the_same_kimg_takes_in_the_iteration_that_passes_it() -> None:
    recipe = {"recipe": {"batch_size": 256, "discriminator_steps": 5}}
    even = run("even", 0, 1.0, curve=((5.0, 5.0, 4.0), (10.0, 10.0, 1.0)))
    over = run("over", 0, 2.0, curve=((5.12, 5.0, 4.0), (11.2, 10.0, 2.0)))
    table = metric_table([even, over], "ring8")
    assert equal_budgets(table)[0].kimg.values["over"].value == 4.0
    table = metric_table([even, replace(over, config=recipe)], "ring8")
    assert equal_budgets(table)[0].kimg.values["over"].value == 2.0


def test_equal_budgets_need_two_variants_with_curves() -> None:
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


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (5.81, 6.79, "6.31 [5.81, 6.79]"),
        (-5.7, 18.3, "6 [−6, 18]"),
        (6.3111, 6.3135, "6.3123 [6.3111, 6.3135]"),
        (6.3123, 6.3123, "6.312 [6.312, 6.312]"),
        (None, None, "6.312"),
        (-993.0, 1005.0, "6 [−993, 1,005]"),
    ],
)
def test_no_more_digits_than_the_interval_warrants(
    low: float | None, high: float | None, expected: str
) -> None:
    assert number_text.estimate_text(Estimate(6.3123, low, high, 5, "t")) == expected


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(0, 1e6))
def test_every_number_can_be_shown(value: float, half: float) -> None:
    shown = number_text.estimate_text(Estimate(value, value - half, value + half, 3, "t"))
    assert "nan" not in shown
    assert "e" not in shown
    assert not shown.startswith("−0 ")
    assert number_text.amount(value)


def test_missing_numbers_are_a_dash() -> None:
    assert (
        number_text.mean_text(None) == number_text.amount(None) == number_text.p_text(None) == "–"
    )
    assert number_text.fixed(math.nan, 2) == "–"
    assert number_text.fixed(-0.001, 1) == "0.0"
    assert number_text.signed_text(Estimate(0.0, 0.0, 0.0, 3, "t")) == "0 [0, 0]"
    assert number_text.signed_text(Estimate(1.0, None, None, 1, "t")) == "+1"


def test_published_rows_are_validated() -> None:
    row = {"dataset": "ring8", "model": "GAN", "source": "x", "metrics": {"modes": "6.3 ± 0.5"}}
    (found,) = published_rows({"row": [row]})
    assert (found.metrics, found.differs) == ({"modes": "6.3 ± 0.5"}, "")
    assert published_rows({}) == []
    with pytest.raises(ConfigError, match="Unknown key 'row 1: diffres'"):
        published_rows({"row": [{**row, "diffres": "much"}]})
    with pytest.raises(ConfigError, match="source"):
        published_rows({"row": [{key: row[key] for key in ("dataset", "model", "metrics")}]})
    with pytest.raises(ConfigError, match=r"\[\[row\]\]"):
        published_rows({"rows": [row]})
