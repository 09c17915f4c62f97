# SPDX-License-Identifier: MIT
"""Tables checked against numbers worked out by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ganbench.analysis.comparison import compare_to
from ganbench.analysis.stats import mean_interval
from ganbench.analysis.tables import metric_table
from ganbench.records.comparable_protocol import comparable
from ganbench.records.run_record import RunRecord


def test_a_cell_is_the_mean_over_seeds_with_its_interval(run: Callable[..., RunRecord]) -> None:
    table = metric_table([run("a", seed, fid) for seed, fid in enumerate([1.0, 2.0, 3.0])], "ring8")
    cell = table.row("a").cells["fid"]
    assert cell.estimate == mean_interval([1.0, 2.0, 3.0])
    assert [value.seed for value in cell.values] == [0, 1, 2]
    assert table.floors == {"fid": 0.5}
    assert not cell.best, "the only one is not the best"
    assert metric_table([], "ring8").rows == ()


def test_several_runs_of_a_seed_are_one_value_of_it(run: Callable[..., RunRecord]) -> None:
    runs = [run("a", 0, 1.0), run("a", 1, 2.0), run("a", 1, 5.0), run("b", 0, 3.0)]
    table = metric_table(runs, "ring8")
    assert table.row("a").values_by_seed(table.columns[0]) == {0: 1.0, 1: 3.5}


def test_runs_that_diverged_count_as_runs_and_unfinished_ones_do_not(
    run: Callable[..., RunRecord],
) -> None:
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


def test_the_best_is_the_lowest_where_lower_is_better_and_ties_share_it(
    run: Callable[..., RunRecord],
) -> None:
    runs = [run("a", 0, 2.0), run("b", 0, 1.0), run("c", 0, 1.0), run("d", 0, None)]
    table = metric_table(runs, "ring8")
    assert {row.variant: row.cells["fid"].best for row in table.rows if row.cells} == {
        "a": False,
        "b": True,
        "c": True,
    }


def test_protocols_never_mix(run: Callable[..., RunRecord]) -> None:
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
