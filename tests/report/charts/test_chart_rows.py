# SPDX-License-Identifier: MIT
"""Rows of charts: the mean line, logarithmic axes, floors in sight."""

from __future__ import annotations

import pytest

from ganbench.analysis.stats import mean_interval
from ganbench.analysis.tables import metric_table
from ganbench.records.measurement import Measurement
from ganbench.records.run_record import Curve, RunRecord
from ganbench.report.charts.chart_rows import floor_in_sight, log_ticks, metric_rows


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


def test_the_mean_line_is_over_the_same_runs_at_every_point() -> None:
    whole = ((1.0, 2.0, 10.0), (2.0, 4.0, 6.0))
    other = ((1.0, 4.0, 20.0), (2.0, 8.0, 8.0), (3.0, 9.0, 7.0))
    cut = ((1.0, 3.0, 900.0),)
    runs = [
        run("a", 0, 8.0, curve=other),
        run("a", 1, 6.0, curve=whole),
        run("a", 2, None, curve=cut, status="diverged"),
    ]
    table = metric_table(runs, "ring8")
    rows = metric_rows(table, {"m0": table.columns[0]})
    means = [row for row in rows if row.get("mean")]
    assert [(row["kimg"], row["seconds"], row["m0"]) for row in means] == [
        (1.0, 3.0, 15.0),
        (2.0, 6.0, 7.0),
    ]
    band = mean_interval([8.0, 6.0])
    assert (means[1]["m0_low"], means[1]["m0_high"]) == pytest.approx((band.low, band.high), 1e-4)
    assert len([row for row in rows if not row.get("mean")]) == 6


def test_a_logarithmic_axis_is_for_wide_spreads_above_zero() -> None:
    assert log_ticks([{"m": 1.0}, {"m": 60.0}], "m") == [1, 2, 5, 10, 20, 50, 100, 200, 500]
    assert log_ticks([{"m": 0.6}, {"m": 40.0}], "m") == [0.1, 0.3, 1, 3, 10, 30, 100, 300]
    assert log_ticks([{"m": 0.6}, {"m": 4000.0}], "m") == [0.1, 1, 10, 100, 1000, 10000]
    assert log_ticks([{"m": 1.0}, {"m": 49.0}], "m") == []
    assert log_ticks([{"m": 0.0}, {"m": 900.0}], "m") == []
    assert log_ticks([{"other": 1.0}], "m") == []


def test_a_far_floor_is_left_out_of_a_chart() -> None:
    rows = [{"value": 10.0}, {"value": 12.0}]
    assert floor_in_sight(rows, ("value",), 8.5)
    assert not floor_in_sight(rows, ("value",), 0.5)
    assert floor_in_sight([{"m": 1.0}, {"m": 100.0}], ("m",), 0.4, log=True)
    assert not floor_in_sight([{"m": 1.0}, {"m": 100.0}], ("m",), 0.2, log=True)
    assert not floor_in_sight([], ("m",), 1.0)
