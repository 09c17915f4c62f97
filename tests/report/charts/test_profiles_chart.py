# SPDX-License-Identifier: MIT
"""The chart of performance profiles."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest

from ganbench.analysis.stability import profiles
from ganbench.analysis.tables import metric_table
from ganbench.report.charts.profiles_chart import profile_panels, profile_rows


def test_a_panel_for_each_set_of_tricks_over_the_runs_without(rate_grid: Any) -> None:
    table = metric_table(rate_grid(), "digits")
    (profile,) = profiles(table, table.columns[0])
    panels = profile_panels(profile, "profile", table.columns[0])
    assert [panel.title for panel in panels] == ["r1"], (
        "the runs without tricks are the gray behind"
    )
    rows = panels[0].data.rows
    share = {(row["tricks"], row["tau"]): row["share"] for row in rows}
    assert share["none", 10.0] == pytest.approx(1 / 12, abs=1e-4)
    assert share["none", 15.0] == pytest.approx(4 / 12, abs=1e-4)
    assert (share["r1", 10.0], share["r1", 12.0], share["r1", 15.0]) == (0.0, 0.25, 1.0)
    assert all(row["n"] == 12 for row in rows)


def test_runs_without_tricks_alone_have_a_panel(rate_grid: Any) -> None:
    table = metric_table([run for run in rate_grid() if not run.tricks], "digits")
    (profile,) = profiles(table, table.columns[0])
    (panel,) = profile_panels(profile, "profile", table.columns[0])
    assert panel.title == "none"


def test_a_share_of_one_run_has_no_band(make_record: Any) -> None:
    runs = [make_record("digits", "", rate, 0, 10.0) for rate in ("0.1", "0.2")]
    table = metric_table(runs, "digits")
    (profile,) = profiles(table, table.columns[0])
    rows = profile_rows(profile)
    assert rows
    assert all("low" not in row and "high" not in row for row in rows), "not a band at 0 %"


@pytest.mark.parametrize("better", ["lower", "higher"])
def test_between_two_values_the_line_is_at_the_share_that_holds_there(
    make_record: Any, better: str
) -> None:
    runs = [
        make_record("digits", "", rate, seed, float(10 * seed + int(rate)))
        for rate in ("1", "2")
        for seed in range(3)
    ]
    runs = [
        replace(
            run,
            metrics={name: replace(found, better=better) for name, found in run.metrics.items()},
        )
        for run in runs
    ]
    table = metric_table(runs, "digits")
    (profile,) = profiles(table, table.columns[0])
    (panel,) = profile_panels(profile, "p", table.columns[0])
    marks = [layer["mark"] for layer in panel.view["layer"]]
    steps = {mark["interpolate"] for mark in marks if "interpolate" in mark}
    (step,) = steps
    values = [value for run in runs if (value := run.metrics["fid"].value) is not None]
    shares = dict(zip(profile.thresholds, profile.curves[0].shares, strict=True))
    for left, right in itertools.pairwise(profile.thresholds):
        middle = (left + right) / 2
        holds = [value >= middle if better == "higher" else value <= middle for value in values]
        drawn = shares[right if step == "step-before" else left]
        assert drawn.value == pytest.approx(sum(holds) / len(holds))
