# SPDX-License-Identifier: MIT
"""Cells are repeated as they were carried out, as far as their records say it."""

import pytest
from scripts import checkout_script

from ganbench.harness.plan import plan
from ganbench.harness.run import Run
from ganbench.harness.run_options import RunOptions
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
