# SPDX-License-Identifier: MIT
"""Cells are repeated as they were carried out, as far as their records say it."""

import json
import math
import shutil

import pytest
from scripts import checkout_script

from ganbench.harness.plan import plan
from ganbench.harness.run import Run
from ganbench.harness.run_options import RunOptions
from ganbench.records.archive import condense, write_archive
from ganbench.records.atomic_files import read_lines, write_lines
from ganbench.records.load import load_runs
from ganbench.state import RunningMeans
from ganbench.training.trainer import Schedule


@pytest.fixture(scope="module")
def benchmark():
    return checkout_script("benchmarks/repeat_cells.py")


@pytest.fixture
def go(tmp_path):
    """Carry out a tiny run as a suite may; return its folder."""

    def call(dataset="ring8", evaluations=4, kimg=0.6, **options):
        settings = {"kimg": kimg, "batch_size": 20}
        schedule = Schedule(evaluations=evaluations)
        options = RunOptions(out=tmp_path, threads=1, schedule=schedule, **options)
        run = Run(plan("vanilla", dataset, settings=settings), options)
        run.execute()
        return run.folder

    return call


def diverging(monkeypatch, at):
    """Make the losses NaN after a number of ticks."""
    flush = RunningMeans.flush
    ticks = []

    def broken(self, group):
        ticks.append(flush(self, group))
        return {**ticks[-1], "loss/generator": float("nan")} if len(ticks) > at else ticks[-1]

    monkeypatch.setattr(RunningMeans, "flush", broken)


def test_a_cell_is_measured_on_as_many_samples_of_the_same_split(benchmark, go):
    images = {"kimg": 0.06, "evaluations": 0, "metrics": ("fid@pixels", "is@mnist-cnn")}
    stored = go("mnist5k", samples=80, real_split="test", **images)
    cell = benchmark.CellInFolder(stored)
    repeated = benchmark.repeat(cell)
    assert (repeated.differs, repeated.problem) == ((), "")
    options = cell.options(stored.path)
    assert (options.samples, options.real_split) == (80, "test")


@pytest.mark.parametrize("count", [0, 1, 3, 4, 7])
def test_a_cell_is_measured_as_often(benchmark, go, count):
    stored = go(evaluations=count, samples=64, metrics=("modes",))
    planned = benchmark.planned_evaluations(stored)
    assert planned == count or {planned, count} == {0, 1}  # both measure once, in the end


@pytest.mark.parametrize("at", [2, 20, 29])
def test_a_cell_that_diverged_is_repeated_as_it_was_planned(benchmark, go, monkeypatch, at):
    """600 images in 30 ticks; of four evaluations, those after 8, 15 and 23 ticks take place."""
    with monkeypatch.context() as patched:
        diverging(patched, at)
        stored = go(samples=64, metrics=("modes",))
    assert stored.outcome()["status"] == "diverged"
    assert len(stored.measurements()) == {2: 0, 20: 2, 29: 3}[at]
    with monkeypatch.context() as patched:
        diverging(patched, at)
        repeated = benchmark.repeat(benchmark.CellInFolder(stored))
    assert (repeated.differs, repeated.problem) == ((), "")


@pytest.fixture
def in_report(benchmark, tmp_path):
    """Return the only cell of a report that is written about the runs so far."""

    def call():
        runs = [condense(run) for run in load_runs([tmp_path])]
        write_archive(tmp_path / "report", runs)
        (cell,) = benchmark.stored_cells(tmp_path / "report")
        return cell

    return call


@pytest.mark.parametrize("count", [0, 3, 7])
def test_a_cell_is_repeated_from_a_report_without_its_folder(benchmark, go, in_report, count):
    stored = go(evaluations=count, samples=64, metrics=("modes", "total-variation"))
    cell = in_report()
    shutil.rmtree(stored.path)
    assert cell.options(stored.path).samples == 64
    repeated = benchmark.repeat(cell)
    assert (repeated.outcome, repeated.status) == ("the same bits", "done")


@pytest.mark.parametrize("at", [2, 20])
def test_a_cell_that_diverged_is_repeated_from_a_report(benchmark, go, in_report, monkeypatch, at):
    with monkeypatch.context() as patched:
        diverging(patched, at)
        go(samples=64, metrics=("modes",))
    cell = in_report()
    with monkeypatch.context() as patched:
        diverging(patched, at)
        repeated = benchmark.repeat(cell)
    assert (repeated.outcome, repeated.status) == ("the same bits", "diverged")


@pytest.mark.parametrize(
    ("file", "before", "after", "part"),
    [
        ("results.jsonl.gz", '"value":', '"value":1', "metrics"),
        ("results.jsonl.gz", '"protocol":"', '"protocol":"x', "metrics"),
        ("runs.jsonl.gz", '"seed":0', '"seed":1', "losses"),
        ("runs.jsonl.gz", '"health":{', '"health":{"x":1,', "health"),
    ],
)
def test_what_differs_from_a_report_is_named(
    benchmark, go, in_report, tmp_path, file, before, after, part
):
    go(samples=64, metrics=("total-variation",))
    in_report()
    rows = tmp_path / "report" / file
    lines = [json.dumps(row, separators=(",", ":")) for row in read_lines(rows)]
    changed = [json.loads(line.replace(before, after)) for line in lines]
    write_lines(rows, changed)
    (cell,) = benchmark.stored_cells(tmp_path / "report")
    assert part in benchmark.repeat(cell).differs


@pytest.mark.parametrize("missing", [["curves"], ["losses"], ["curves", "losses"]])
def test_a_run_whose_curves_a_report_leaves_out_is_compared_by_what_it_ended_with(
    benchmark, go, in_report, tmp_path, missing
):
    """A report draws the curves of a few runs of each variant."""
    go(samples=64, metrics=("total-variation",))
    in_report()
    rows = tmp_path / "report" / "runs.jsonl.gz"
    write_lines(rows, [{**row, **{key: [] for key in missing}} for row in read_lines(rows)])
    (cell,) = benchmark.stored_cells(tmp_path / "report")
    assert benchmark.repeat(cell).outcome == "the same bits"
    (row,) = read_lines(tmp_path / "report" / "results.jsonl.gz")
    nearby = math.nextafter(row["value"], 1)
    write_lines(tmp_path / "report" / "results.jsonl.gz", [{**row, "value": nearby}])
    (cell,) = benchmark.stored_cells(tmp_path / "report")
    assert benchmark.repeat(cell).differs == ("metrics",)


def test_another_processor_is_named_where_a_cell_differs(benchmark):
    there = {"processor": "A", "packages": {"torch": "2.0"}, "torch": {"cpu_capability": "AVX2"}}
    here = {**there, "processor": "B", "torch": {"cpu_capability": "AVX512"}}
    assert benchmark.changed_machine(there, here) == [
        "processor then A, now B",
        "instructions then AVX2, now AVX512",
    ]
    assert benchmark.changed_machine(here, here) == []


def test_folders_with_weights_go_before_a_report_that_was_written_among_them(benchmark, go):
    stored = go(samples=64, metrics=("modes",))
    root = stored.path.parent
    write_archive(root, [condense(run) for run in load_runs([root])])
    (cell,) = benchmark.stored_cells(root)
    assert "weights" in cell.outcome()
