# SPDX-License-Identifier: MIT
"""The chart of effects: what lies far outside ends at the border and keeps its numbers."""

from __future__ import annotations

from typing import Any

import pytest

from ganbench.analysis.comparison import compare_to
from ganbench.analysis.tables import metric_table
from ganbench.analysis.verdicts import verdicts
from ganbench.report.charts.effects_chart import effect_panel, effect_rows, treatment_names


def test_seeds_far_outside_are_drawn_at_the_border(make_record: Any) -> None:
    effects = {"": 0.0, "a": 1.0, "b": -2.0, "far": 100.0}
    runs = [
        make_record("digits", tricks, "", seed, 200.0 + effect * (1 + seed / 10))
        for tricks, effect in effects.items()
        for seed in range(3)
    ]
    table = metric_table(runs, "digits")
    judged = verdicts(table, compare_to(table))
    names = treatment_names(judged)
    assert names == {"gan + a": "a", "gan + b": "b", "gan + far": "far"}
    rows = effect_rows(judged, names)
    seeds = {(row["treatment"], row["seed"]): row for row in rows if "seed" in row}
    border = 1.1 * 2.4
    assert seeds["far", "0"]["difference"] == 100.0
    assert (seeds["far", "0"]["at"], seeds["far", "0"]["beyond"]) == (
        pytest.approx(border),
        "right",
    )
    assert "beyond" not in seeds["b", "2"]
    (mean,) = (row for row in rows if row["treatment"] == "far" and "mean" in row)
    assert (mean["mean"], mean["center"]) == (pytest.approx(110.0), pytest.approx(border))
    panel = effect_panel("effects", judged, names)
    assert panel is not None
    assert panel.title == "fid ↓"


def test_without_shared_seeds_there_is_no_chart(make_record: Any) -> None:
    runs = [make_record("digits", "", "", 0, 1.0), make_record("digits", "r1", "", 1, 2.0)]
    table = metric_table(runs, "digits")
    judged = verdicts(table, compare_to(table))
    assert effect_panel("effects", judged, treatment_names(judged)) is None
