# SPDX-License-Identifier: MIT
"""Archives of runs: read back as they were, whole or damaged; curves thinned once."""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganbench.records.archive import (
    MOST_POINTS,
    RESULT_ROWS,
    RUN_ROWS,
    condense,
    read_archive,
    result_rows,
    write_archive,
)
from ganbench.records.atomic_files import read_lines, write_lines
from ganbench.records.load import load_runs
from ganbench.records.run_folder import RunFolder
from ganbench.records.run_record import Curve, RunRecord


def test_the_number_of_threads_is_kept(make_run: Callable[..., RunFolder], tmp_path: Path) -> None:
    make_run(tmp_path / "runs")
    runs = load_runs([tmp_path / "runs"])
    assert runs[0].threads == 1
    write_archive(tmp_path / "report", runs)
    assert load_runs([tmp_path / "report"])[0].threads == 1
    rows = tmp_path / "report" / RUN_ROWS
    write_lines(rows, [{**row, "threads": None} for row in read_lines(rows)])
    assert load_runs([tmp_path / "report"])[0].threads == 1, "an older report: from env/*.json"
    assert result_rows(runs)[0]["threads"] == 1


def test_an_archive_gives_back_the_same_records(
    make_run: Callable[..., RunFolder], tmp_path: Path
) -> None:
    make_run(tmp_path / "runs", 0)
    make_run(tmp_path / "runs", 1, loss="minimax")
    make_run(tmp_path / "runs", 2).write_result({"status": "diverged", "seed": 2, "kimg": 3.0})
    make_run(tmp_path / "runs", 3).result_file.unlink()
    runs = [condense(run) for run in load_runs([tmp_path / "runs"])]
    write_archive(tmp_path / "report", runs)
    assert [condense(run) for run in load_runs([tmp_path / "report"])] == runs
    text = "".join(file.read_text() for file in (tmp_path / "report").rglob("*.json"))
    for name in (RESULT_ROWS, RUN_ROWS):
        text += gzip.decompress((tmp_path / "report" / name).read_bytes()).decode()
    assert str(tmp_path) not in text
    assert "/home" not in text


def test_the_runs_of_an_earlier_report_are_read(
    make_run: Callable[..., RunFolder], tmp_path: Path
) -> None:
    make_run(tmp_path / "runs")
    write_archive(tmp_path / "report", load_runs([tmp_path / "runs"]))
    now = load_runs([tmp_path / "report"])
    for name in ("results.jsonl", "runs.jsonl"):  # not packed
        packed = tmp_path / "report" / f"{name}.gz"
        packed.with_name(name).write_bytes(gzip.decompress(packed.read_bytes()))
        packed.unlink()
        assert load_runs([tmp_path / "report"]) == now
    assert now[0].losses
    assert now[0].metrics


def test_every_run_and_metric_has_a_row(make_run: Callable[..., RunFolder], tmp_path: Path) -> None:
    make_run(tmp_path, 0)
    make_run(tmp_path, 1).write_result({"status": "diverged", "kimg": 3.0})
    rows = result_rows(load_runs([tmp_path]))
    assert [(row["seed"], row["metric"], row["value"], row["status"]) for row in rows] == [
        (0, "fid", 12.5, "done"),
        (1, None, None, "diverged"),
    ]
    assert set(rows[0]) >= {"identity", "model", "dataset", "variant", "kimg", "low", "high", "n"}
    assert set(rows[0]) >= {"floor", "protocol", "seconds", "env"}


def test_results_alone_are_enough_for_a_table(
    make_run: Callable[..., RunFolder], tmp_path: Path
) -> None:
    make_run(tmp_path / "runs", 0)
    make_run(tmp_path / "runs", 1, loss="minimax")
    runs = load_runs([tmp_path / "runs"])
    write_archive(tmp_path / "report", runs)
    (tmp_path / "report" / RUN_ROWS).unlink()
    again = load_runs([tmp_path / "report"])
    assert [(run.variant, run.seed, run.metrics) for run in again] == [
        (run.variant, run.seed, run.metrics) for run in runs
    ]


def test_a_damaged_archive_loses_only_what_is_damaged(
    make_run: Callable[..., RunFolder], tmp_path: Path
) -> None:
    make_run(tmp_path / "runs", 0)
    write_archive(tmp_path / "report", load_runs([tmp_path / "runs"]))
    rows = tmp_path / "report" / RUN_ROWS
    (row,) = read_lines(rows)
    row["curves"][0]["values"] = ["high", None]
    row["grid"] = "../../outside.png"
    row["parameters"] = {"generator": "many"}
    rows.write_bytes(gzip.compress(json.dumps(row).encode() + b'\n{"cut'))
    (run,) = read_archive(tmp_path / "report")
    assert run.curves == ()
    assert run.parameters == {}
    assert len(run.losses) == 1
    assert run.grids == (tmp_path / "report" / "samples" / "outside.png",)


@given(st.integers(1, 500))
def test_thinning_keeps_ends_and_mean_and_is_done_once(count: int) -> None:
    points = tuple(float(index) for index in range(1, count + 1))
    run = RunRecord("a", "done", losses=(Curve("loss/x", points, points, points),))
    (thin,) = condense(run).losses
    assert len(thin.values) == min(count, MOST_POINTS)
    assert thin.kimg[-1] == count
    assert min(thin.values) >= 1
    assert max(thin.values) <= count
    if count % MOST_POINTS == 0 or count < MOST_POINTS:  # equal spans: the mean is kept
        assert math.fsum(thin.values) / len(thin.values) == pytest.approx((count + 1) / 2)
    assert condense(condense(run)) == condense(run)


_STEPS = st.lists(st.floats(0, 1e6), min_size=1, max_size=4)
_CURVE = st.builds(lambda name, steps: Curve(name, *[tuple(steps)] * 3), st.text(), _STEPS)


@given(st.lists(st.one_of(_CURVE, st.just(Curve("a", (1.0,), (2.0,), (3.0,)))), max_size=5))
def test_curves_that_share_their_steps_come_back(
    tmp_path_factory: pytest.TempPathFactory, curves: list[Curve]
) -> None:
    folder = tmp_path_factory.mktemp("archive")
    write_archive(folder, [RunRecord("a", "done", curves=tuple(curves), losses=tuple(curves))])
    (again,) = read_archive(folder)
    assert again.curves == again.losses == tuple(curves)


def test_steps_are_written_once_for_the_losses_of_a_run(tmp_path: Path) -> None:
    steps = tuple(float(kimg) for kimg in range(1000, 1040))
    losses = tuple(Curve(name, steps, steps, steps) for name in "abc")
    write_archive(tmp_path, [RunRecord("a", "done", losses=losses)])
    (run,) = read_lines(tmp_path / RUN_ROWS)
    assert [set(row) >= {"kimg", "seconds"} for row in run["losses"]] == [True, False, False]


def test_a_curve_without_steps_of_its_own_is_lost_with_those_it_shared(tmp_path: Path) -> None:
    losses = tuple(Curve(name, (1.0,), (2.0,), (3.0,)) for name in "ab")
    write_archive(tmp_path, [RunRecord("a", "done", losses=losses)])
    (row,) = read_lines(tmp_path / RUN_ROWS)
    row["losses"][0]["kimg"] = ["damaged"]
    write_lines(tmp_path / RUN_ROWS, [row])
    assert read_archive(tmp_path)[0].losses == ()
