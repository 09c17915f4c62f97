# SPDX-License-Identifier: MIT
"""The process that draws: what it returns, and what happens where it cannot."""

from __future__ import annotations

from typing import Any

import pytest

from ganbench.report.charts.drawing import draw

BAR: dict[str, Any] = {
    "data": {"values": [{"x": 1}]},
    "mark": "bar",
    "encoding": {"x": {"field": "x", "type": "quantitative"}},
}


def test_charts_come_back_by_name_and_the_script_on_demand() -> None:
    drawings = draw({"a": BAR, "b": {**BAR, "title": "Über"}})
    assert drawings is not None
    assert drawings.script == ""
    assert all(picture.startswith("<svg") for picture in drawings.pictures.values())
    assert ["Über" in drawings.pictures[name] for name in ("a", "b")] == [False, True]


def test_a_specification_that_is_no_chart_is_a_mistake_not_a_lack_of_memory() -> None:
    with pytest.raises(ValueError, match="TypeError"):
        draw({"a": {"data": {"values": []}, "mark": 3}})
