# SPDX-License-Identifier: MIT
"""The chart of an effect over settings: ratios by closed form, bars cut at the ends of the axis."""

from __future__ import annotations

import math

import pytest

from ganbench.analysis.comparison import compare_to
from ganbench.analysis.over_settings import OverSettings, over_settings
from ganbench.analysis.tables import metric_table
from ganbench.analysis.verdicts import judge_matrix
from ganbench.records.measurement import Measurement
from ganbench.records.run_record import RunRecord
from ganbench.report.charts.panels import Panel
from ganbench.report.charts.settings_chart import REACH, setting_rows, settings_panels


def profile(factors: dict[str, list[float]], model: str = "gan") -> OverSettings:
    """Return r1 at several rates, its values being multiples of the baseline's."""
    runs = []
    for rate, multiples in factors.items():
        for seed, multiple in enumerate(multiples):
            base = 10.0 + seed
            for tricks, value in (("", base), ("r1", base * multiple)):
                label = f"{model} {tricks} learning_rate={rate}"
                runs.append(
                    RunRecord(
                        name=f"{label} {seed}",
                        status="done",
                        model=model,
                        dataset="digits",
                        variant=label,
                        tricks=tricks,
                        setting=f"learning_rate={rate}",
                        seed=seed,
                        metrics={"fid": Measurement(value, n=1, protocol="fid", better="lower")},
                    )
                )
    table = metric_table(runs, "digits")
    (over,) = over_settings(judge_matrix([(table, compare_to(table))]).datasets[0].verdicts)
    return over


def test_rows_hold_geometric_means_of_ratios() -> None:
    first, second = setting_rows(profile({"0.01": [2.0, 8.0], "0.001": [0.5, 0.5]}))
    assert (first["setting"], first["ratio"], first["n"]) == ("0.001", 0.5, 2)
    assert (second["setting"], second["ratio"]) == ("0.01", 4.0)
    half = 12.706205 * math.log(2)  # t with one degree of freedom; the logarithms differ by ln 4
    assert second["high"] == pytest.approx(4 * math.exp(half), rel=1e-4)


def test_bars_end_at_the_ends_of_the_axis() -> None:
    over = profile({"0.001": [0.5, 0.5], "0.01": [2.0, 8.0]})
    ((_, panel),) = settings_panels([over], "x")
    assert panel is not None
    low, high = 0.5 / REACH, 4 * REACH
    assert panel.data.rows[1]["bar_high"] == pytest.approx(high, rel=1e-4)
    assert panel.data.rows[1]["bar_low"] == pytest.approx(low, rel=1e-4)
    assert "bar_low" not in panel.data.rows[0], "equal ratios have no interval"


def test_without_a_ratio_there_is_no_panel() -> None:
    over = profile({"0.001": [0.0, 0.0], "0.01": [0.0, 0.0]})
    assert settings_panels([over], "x") == [(over, None)]


def axis_of(panel: Panel | None) -> tuple[list[float], str]:
    """Return the ends of a panel's axis of ratios, and the expression of the settings' names."""
    assert panel is not None
    line = panel.view["layer"][1]["encoding"]
    return line["y"]["scale"]["domain"], line["x"]["axis"]["labelExpr"]


def test_the_panels_of_a_model_have_one_axis() -> None:
    near = profile({"0.001": [0.9, 0.9], "0.01": [1.1, 1.1]})
    far = profile({"0.001": [0.2, 0.2], "0.01": [3.0, 3.0]})
    other = profile({"0.001": [0.8, 0.8], "0.01": [1.0, 1.0]}, model="other")
    (first, _), (second, _), (third, _) = (
        axis_of(panel) for _, panel in settings_panels([near, far, other], "x")
    )
    assert first == second == pytest.approx([0.2 / REACH, 3 * REACH], rel=1e-4)
    assert third == pytest.approx([0.8 / REACH, REACH], rel=1e-4)


def test_small_rates_are_short_enough_to_stand_next_to_each_other() -> None:
    over = profile({rate: [2.0, 2.0] for rate in ("5e-05", "0.00016", "0.0016")})
    ((_, panel),) = settings_panels([over], "x")
    _, names = axis_of(panel)
    assert names.startswith('{"5e-05": "5e-5", "0.00016": "1.6e-4", "0.0016": "1.6e-3"}')
