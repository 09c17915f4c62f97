# SPDX-License-Identifier: MIT
"""Cells are repeated as they were carried out, as far as their records say it."""

import importlib.util
import sys
from pathlib import Path

import pytest

from ganbench.harness.plan import plan
from ganbench.harness.run import Run
from ganbench.harness.run_options import RunOptions
from ganbench.state import RunningMeans
from ganbench.training.trainer import Schedule

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "repeat_cells.py"


@pytest.fixture(scope="module")
def benchmark():
    spec = importlib.util.spec_from_file_location("repeat_cells", BENCHMARK)
    module = importlib.util.module_from_spec(spec)
    sys.modules["repeat_cells"] = module  # dataclasses look their module up by name
    spec.loader.exec_module(module)
    yield module
    del sys.modules["repeat_cells"]


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
    """Let the losses be no numbers after so many ticks."""
    flush = RunningMeans.flush
    ticks = []

    def broken(self, group):
        ticks.append(flush(self, group))
        return {**ticks[-1], "loss/generator": float("nan")} if len(ticks) > at else ticks[-1]

    monkeypatch.setattr(RunningMeans, "flush", broken)


def test_a_cell_is_measured_on_as_many_samples_of_the_same_split(benchmark, go):
    images = {"kimg": 0.06, "evaluations": 0, "metrics": ("fid@pixels", "is@mnist-cnn")}
    stored = go("mnist5k", samples=80, real_split="test", **images)
    repeated = benchmark.repeat(stored.path)
    assert (repeated.differs, repeated.problem) == ((), "")
    options = benchmark.options_of(stored, stored.path)
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
        repeated = benchmark.repeat(stored.path)
    assert (repeated.differs, repeated.problem) == ((), "")
