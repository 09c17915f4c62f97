# SPDX-License-Identifier: MIT
"""What axes show: their ends, their ticks, and floors that lie near."""

from __future__ import annotations

import itertools
import json

from ganbench.report.charts.axes import (
    clip_bands,
    curve_domain,
    floor_in_sight,
    log_ticks,
    log_ticks_within,
    names_in_short,
    symlog_ticks,
)


def test_a_domain_holds_all_values() -> None:
    rows = [{"m": 1.0}, {"m": 9.0}, {"other": 99.0}]
    low, high = curve_domain(rows, "m", log=False)
    assert low < 1.0 < 9.0 < high
    assert curve_domain(rows, "m", log=True)[0] > 0


def test_bands_end_at_the_ends_of_the_axis() -> None:
    rows = [{"m": 1.0, "m_low": -5.0, "m_high": 12.0, "n_low": -9.0}, {"m": 2.0}]
    assert clip_bands(rows, "m", (0.5, 10.0)) == [
        {
            "m": 1.0,
            "m_low": 0.5,
            "m_high": 10.0,
            "n_low": -9.0,
            "m_below": -5.0,
            "m_above": 12.0,
        },
        {"m": 2.0},
    ]
    inside = [{"m": 1.0, "m_low": 0.5, "m_high": 1.5}]
    assert clip_bands(inside, "m", (0.5, 10.0)) == inside
    assert rows[0]["m_low"] == -5.0, "the rows stay as they were"


def test_a_logarithmic_axis_is_for_wide_spreads_above_zero() -> None:
    assert log_ticks([{"m": 1.0}, {"m": 60.0}], "m") == [1, 2, 5, 10, 20, 50, 100, 200, 500]
    assert log_ticks([{"m": 0.6}, {"m": 40.0}], "m") == [0.1, 0.3, 1, 3, 10, 30, 100, 300]
    assert log_ticks([{"m": 0.6}, {"m": 4000.0}], "m") == [0.1, 1, 10, 100, 1000, 10000]
    assert log_ticks([{"m": 1.0}, {"m": 49.0}], "m") == []
    assert log_ticks([{"m": 0.0}, {"m": 900.0}], "m") == []
    assert log_ticks([{"other": 1.0}], "m") == []


def test_ticks_of_a_symlog_axis_are_zero_and_powers_of_ten() -> None:
    assert symlog_ticks(0.5, -2.0, 130.0) == [-1, 0, 1, 10, 100]
    assert symlog_ticks(0.02, -0.3, 0.01) == [-0.1, 0]


def test_ticks_are_round_and_inside() -> None:
    assert log_ticks_within(0.5, 20000) == [1, 10, 100, 1000, 10000]
    assert log_ticks_within(700, 930) == [700, 800, 900]


def test_long_names_lose_what_all_share() -> None:
    pairs = itertools.product(("r1", "orthogonal-initialization"), ("5e-05", "1"))
    short = [f"{trick}, {rate}" for trick, rate in pairs]
    names = ["gan + " + name.replace(", ", ", learning_rate=") for name in short]
    shown = json.loads(names_in_short(names).removesuffix("[datum.label]"))
    assert list(shown.values()) == short
    several = ["gan + r1, learning_rate=5e-05", "other + r1, batch_size=16, width=4"]
    shown = json.loads(names_in_short(several).removesuffix("[datum.label]"))
    assert list(shown.values()) == several, "nothing is shared"


def test_a_far_floor_is_left_out_of_a_chart() -> None:
    rows = [{"value": 10.0}, {"value": 12.0}]
    assert floor_in_sight(rows, ("value",), 8.5)
    assert not floor_in_sight(rows, ("value",), 0.5)
    assert floor_in_sight([{"m": 1.0}, {"m": 100.0}], ("m",), 0.4, log=True)
    assert not floor_in_sight([{"m": 1.0}, {"m": 100.0}], ("m",), 0.2, log=True)
    assert not floor_in_sight([], ("m",), 1.0)
