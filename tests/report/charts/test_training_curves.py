# SPDX-License-Identifier: MIT
"""Charts of training: together where variants can be told apart, otherwise a panel for each."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from ganbench.records.run_record import Curve
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
