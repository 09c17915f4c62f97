# SPDX-License-Identifier: MIT
"""Rows for charts of training: seeds, means and bands."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ganbench.analysis.stats import mean_interval
from ganbench.analysis.tables import metric_table
from ganbench.records.run_record import Curve
from ganbench.report.charts.chart_rows import metric_rows


def test_the_mean_line_is_over_the_same_runs_at_every_point(make_record: Any) -> None:
    protocol = "fid/v1/digits"
    whole = Curve("fid", (1.0, 2.0), (2.0, 4.0), (10.0, 6.0), protocol, "lower")
    other = Curve("fid", (1.0, 2.0, 3.0), (4.0, 8.0, 9.0), (20.0, 8.0, 7.0), protocol, "lower")
    cut = Curve("fid", (1.0,), (3.0,), (900.0,), protocol, "lower")
    runs = [
        replace(make_record("digits", "", "", 0, 8.0), curves=(other,)),
        replace(make_record("digits", "", "", 1, 6.0), curves=(whole,)),
        replace(make_record("digits", "", "", 2, None), curves=(cut,)),
    ]
    table = metric_table(runs, "digits")
    rows = metric_rows(table, {"m0": table.columns[0]})
    means = [row for row in rows if row.get("mean")]
    assert [(row["kimg"], row["seconds"], row["m0"]) for row in means] == [
        (1.0, 3.0, 15.0),
        (2.0, 6.0, 7.0),
    ]
    band = mean_interval([8.0, 6.0])
    assert (means[1]["m0_low"], means[1]["m0_high"]) == pytest.approx((band.low, band.high), 1e-4)
    assert len([row for row in rows if not row.get("mean")]) == 6
    assert {row["seed"] for row in rows} == {"0", "1", "2", "mean"}
