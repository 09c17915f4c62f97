# SPDX-License-Identifier: MIT
"""Charts of training: together where variants can be told apart, otherwise a panel for each."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ganbench.records.measurement import Measurement
from ganbench.records.run_record import Curve
from ganbench.report import notes
from ganbench.report.charts.panels import Panel
from ganbench.report.make_report import make_report


def test_many_variants_have_a_panel_each_with_the_baseline_behind(make_record: Any) -> None:
    curve = Curve("fid", (5.0, 10.0), (1.0, 2.0), (90.0, 10.0), "fid/v1/digits", "lower")
    runs = [
        replace(make_record("digits", name, "", seed, 10.0 + seed), curves=(curve,))
        for name in ("", "a", "b", "c", "d", "e")
        for seed in range(2)
    ]
    (section,) = make_report(runs, title="x").sections
    (course,) = section.courses
    assert not course.together
    assert [panel.title for panel in course.panels][:2] == ["gan", "gan + a"]
    own, other = (json.dumps(panel.view) for panel in course.panels[:2])
    assert json.dumps('datum.variant === "gan + a"')[1:-1] in other
    assert json.dumps('datum.variant === "gan"')[1:-1] in other, "the baseline stands behind"
    assert "gan + a" not in own
    few = make_report(runs[:10], title="x").sections[0]
    assert [course.together for course in few.courses] == [True]


def test_a_single_measurement_has_no_course(make_record: Any) -> None:
    curve = Curve("fid", (10.0,), (2.0,), (10.0,), "fid/v1/digits", "lower")
    runs = [replace(make_record("digits", "", "", 0, 10.0), curves=(curve,))]
    assert make_report(runs, title="x").sections[0].courses == ()


def course_panel(make_record: Any, values: list[list[float]], floor: float) -> Panel:
    """Return the first panel of one variant, of which each seed has a curve."""
    runs = [
        replace(
            make_record("digits", "", "", seed, curve[-1]),
            metrics={"fid": Measurement(curve[-1], floor=floor, protocol="fid/v1", better="lower")},
            curves=(Curve("fid", (5.0, 10.0), (1.0, 2.0), tuple(curve), "fid/v1", "lower"),),
        )
        for seed, curve in enumerate(values)
    ]
    return make_report(runs, title="x").sections[0].courses[0].panels[0]


def test_a_band_that_the_axis_cuts_off_ends_at_the_edge_with_an_arrow(make_record: Any) -> None:
    wide = course_panel(make_record, [[10.0, 9.0], [30.0, 8.9]], floor=1000.0)
    first, last = (row for row in wide.data.rows if row.get("mean"))
    low, high = wide.view["layer"][0]["encoding"]["y"]["scale"]["domain"]
    assert (first["m0_low"], first["m0_high"]) == (low, high)
    assert (first["m0_below"], first["m0_above"]) == (pytest.approx(-107.06), pytest.approx(147.06))
    assert "m0_below" not in last
    drawn = json.dumps(wide.view)
    assert "triangle-down" in drawn
    assert "triangle-up" in drawn
    narrow = course_panel(make_record, [[10.0, 5.0], [10.05, 5.05], [10.0, 5.0]], floor=1000.0)
    assert "triangle" not in json.dumps(narrow.view)


def test_a_floor_widens_the_axis_before_bands_are_cut(make_record: Any) -> None:
    for floor in (4.0, -4.0):
        panel = course_panel(make_record, [[10.0, 8.0], [18.0, 8.1]], floor=floor)
        low, high = panel.view["layer"][0]["encoding"]["y"]["scale"]["domain"]
        if floor > 0:
            assert low < floor, "the floor is in sight, and on the axis"
        (first, _) = (row for row in panel.data.rows if row.get("mean"))
        assert (first["m0_low"], first["m0_high"]) == (low, high), "and the band reaches its edges"


@pytest.mark.parametrize("note", [notes.CURVES_NOTE, notes.MULTIPLES_NOTE])
@pytest.mark.parametrize("mark", ["cross", "triangle", "band", "thin lines"])
def test_each_note_on_curves_explains_all_their_marks(note: str, mark: str) -> None:
    assert mark in note.lower()
