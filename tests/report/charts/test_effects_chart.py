# SPDX-License-Identifier: MIT
"""The chart of effects: everything has its true place, however far outside it lies."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from ganbench.analysis.comparison import compare_to
from ganbench.analysis.stats import Estimate
from ganbench.analysis.tables import metric_table
from ganbench.analysis.verdicts import Verdict, verdicts
from ganbench.report.charts.drawing import draw_charts
from ganbench.report.charts.effects_chart import effect_panel, treatment_names
from ganbench.report.charts.stills import still_specification


def judged_effects(
    make_record: Any, effects: dict[str, float], spread: float = 0.1
) -> list[Verdict]:
    runs = [
        make_record("digits", tricks, "", seed, 200.0 + effect * (1 + seed * spread))
        for tricks, effect in effects.items()
        for seed in range(3)
    ]
    table = metric_table(runs, "digits")
    return verdicts(table, compare_to(table))


def places(picture: str) -> list[float]:
    """Return where the symbols of a picture stand across, in pixels."""
    return [float(x) for x in re.findall(r'<path [^>]*transform="translate\(([-.\d]+),', picture)]


def test_everything_has_its_true_place_however_far_outside(make_record: Any) -> None:
    judged = judged_effects(make_record, {"": 0.0, "a": 1.0, "b": -2.0, "far": 100.0})
    names = treatment_names(judged)
    assert names == {"gan + a": "a", "gan + b": "b", "gan + far": "far"}
    panel = effect_panel("effects", judged, names)
    assert panel is not None
    assert panel.title == "fid ↓, logarithmic far from zero"
    rows = panel.data.rows
    seeds = {(row["treatment"], row["seed"]): row["difference"] for row in rows if "seed" in row}
    assert seeds["far", "2"] == pytest.approx(120.0)
    (mean,) = (row for row in rows if row["treatment"] == "far" and "mean" in row)
    assert mean["mean"] == pytest.approx(110.0)
    assert mean["low"] < 100.0 < 120.0 < mean["high"]
    drawn = draw_charts({"effects": still_specification([panel], 1, 300)})
    assert drawn is not None
    across = places(drawn["effects"])
    assert len(across) == 3 * 3 + 3
    assert len({round(place, 1) for place in across}) == 3 * 3, "each mean is its middle seed"
    assert all(0 <= place <= 300 for place in across)


def test_an_interval_alone_may_be_what_lies_outside(make_record: Any) -> None:
    near = judged_effects(make_record, {"": 0.0, "a": 1.0, "b": -2.0})
    panel = effect_panel("effects", near, treatment_names(near))
    assert panel is not None
    assert panel.title == "fid ↓"
    pairs = near[0].comparison.pairs
    assert pairs is not None
    paired = replace(pairs.paired, difference=Estimate(0.1, -40.0, 40.2, 3, "t"))
    wide = list(near)
    wide[0] = replace(
        wide[0], comparison=replace(wide[0].comparison, pairs=replace(pairs, paired=paired))
    )
    panel = effect_panel("effects", wide, treatment_names(wide))
    assert panel is not None
    assert "logarithmic" in panel.title
    assert next(row["high"] for row in panel.data.rows if "high" in row) == 40.2


def test_without_shared_seeds_there_is_no_chart(make_record: Any) -> None:
    runs = [make_record("digits", "", "", 0, 1.0), make_record("digits", "r1", "", 1, 2.0)]
    table = metric_table(runs, "digits")
    judged = verdicts(table, compare_to(table))
    assert effect_panel("effects", judged, treatment_names(judged)) is None


def test_the_mean_is_of_the_seeds_that_the_verdict_rests_on(make_record: Any) -> None:
    runs = [
        make_record("digits", tricks, "", seed, value)
        for tricks, values in {
            "": [200.0, 210.0, 900.0, 205.0],
            "a": [190.0, 199.0, 201.0, 194.0],
        }.items()
        for seed, value in enumerate(values)
    ]
    runs[2] = replace(runs[2], status="collapsed")
    table = metric_table(runs, "digits")
    (verdict,) = verdicts(table, compare_to(table))
    assert (verdict.word, verdict.mark) == ("helps where no run failed", "helps*")
    panel = effect_panel("effects", [verdict], treatment_names([verdict]))
    assert panel is not None
    (mean,) = (row for row in panel.data.rows if "mean" in row)
    assert (mean["mean"], mean["n"]) == (pytest.approx(-32.0 / 3, rel=1e-3), 3)
    assert sum("seed" in row for row in panel.data.rows) == 4, "every seed is drawn"
