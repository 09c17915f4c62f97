# SPDX-License-Identifier: MIT
"""Runs with made-up results, and their tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from ganbench.analysis.tables import MetricTable, metric_table
from ganbench.records.measurement import Measurement
from ganbench.records.run_record import Curve, RunRecord


def make_run(
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


def make_runs(
    tricks: str,
    values: Sequence[float | None],
    *,
    model: str = "gan",
    setting: str = "",
    metric: str = "fid@mnist-cnn",
    better: str = "lower",
    bad: str = "diverged",
) -> list[RunRecord]:
    """Return a run for each seed; None is one that diverged."""
    label = " + ".join(filter(None, [model, tricks])) + (f", {setting}" if setting else "")
    return [
        RunRecord(
            name=f"{label} {seed}",
            status=bad if value is None else "done",
            model=model,
            dataset="digits",
            variant=label,
            tricks=tricks,
            setting=setting,
            seed=seed,
            metrics={}
            if value is None
            else {metric: Measurement(value, n=100, protocol=f"{metric}/v1", better=better)},
        )
        for seed, value in enumerate(values)
    ]


def make_table(*groups: list[RunRecord]) -> MetricTable:
    """Return the table of some runs on the dataset digits."""
    return metric_table([run for group in groups for run in group], "digits")


@pytest.fixture
def run() -> Callable[..., RunRecord]:
    """Make a run on ring8: ``run(variant, seed, fid)``."""
    return make_run


@pytest.fixture
def runs() -> Callable[..., list[RunRecord]]:
    """Make the runs of a variant on digits, one for each value: ``runs(tricks, values)``."""
    return make_runs


@pytest.fixture
def table_of() -> Callable[..., MetricTable]:
    """Make the table of some groups of runs on digits."""
    return make_table
