# SPDX-License-Identifier: MIT
"""Still pictures: fewer bytes, the same picture."""

from __future__ import annotations

import re

import altair as alt
import pytest

from ganbench.report.charts.drawing import draw_charts
from ganbench.report.charts.panels import ChartData, layered
from ganbench.report.charts.stills import compact, in_page, still_specification
from ganbench.report.charts.style import FONT


def picture(path: str, text: str = "") -> str:
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" class="marks" width="9" height="9">'
        f'<g fill="none" transform="translate(0,0)" role="group"><path d="{path}" stroke="red"/>'
        '<path class="background" aria-hidden="true" d="M0,0h0v0h0Z"/>'
        f'<text font-family="{FONT}" opacity="1">{text}</text></g></svg>'
    )


def points(path: str) -> list[tuple[float, float]]:
    """Return the points of a path of straight lines, absolute or relative."""
    found: list[tuple[float, float]] = []
    for command, numbers in re.findall(r"([Ml])([^Ml]*)", path):
        values = [float(number) for number in re.findall(r"-?(?:\d*\.\d+|\d+)", numbers)]
        for x, y in zip(values[::2], values[1::2], strict=True):
            before = found[-1] if found and command == "l" else (0.0, 0.0)
            found.append((before[0] + x, before[1] + y))
    return found


def test_lines_stay_within_a_twentieth_of_a_pixel_however_long_they_are() -> None:
    true = [(0.333 * index, (index * 7919) % 101 / 10.07) for index in range(500)]
    path = "L".join(f"{x:.3f},{y:.3f}" for x, y in true)
    drawn = compact(picture(f"M{path}"))
    (short,) = re.findall(r'<path d="([^"]*)"', drawn)
    assert len(short) < 0.7 * len(path)
    for (x, y), (shown_x, shown_y) in zip(true, points(short), strict=True):
        assert (shown_x, shown_y) == (pytest.approx(x, abs=0.051), pytest.approx(y, abs=0.051))


def test_what_paints_nothing_goes_and_texts_stay() -> None:
    drawn = compact(picture("M0,0L1,1", text="rate 0.00123, 4.5678"))
    assert drawn == (
        f'<svg font-family="{FONT}" xmlns="http://www.w3.org/2000/svg" width="9" height="9">'
        '<g fill="none"><path d="M0 0l1 1" stroke="red"/>'
        "<text>rate 0.00123, 4.5678</text></g></svg>"
    )


def test_other_shapes_keep_their_form() -> None:
    drawn = compact(picture("M2.8601,0A2.8601,2.8601,0,1,1,-2.8601,0Z"))
    assert 'd="M2.9,0A2.9,2.9,0,1,1,-2.9,0Z"' in drawn


def test_a_still_holds_all_panels_and_is_the_same_every_time() -> None:
    data = ChartData("rows", [{"x": x, "y": x * x} for x in range(20)])
    panels = [
        layered([alt.Chart().mark_line().encode(x="x:Q", y="y:Q")], data, f"panel {index}", 80)
        for index in range(3)
    ]
    specification = still_specification(panels, 2, 120)
    pictures = draw_charts({"one": specification, "two": specification})
    assert pictures is not None
    drawn = compact(pictures["one"])
    assert [f"panel {index}" in drawn for index in range(3)] == [True, True, True]
    assert drawn == compact(pictures["two"])
    assert "aria-" not in drawn
    shown = in_page(drawn)
    assert '="#333333"' in drawn
    assert "#333333" not in shown.replace("currentColor", ""), "it has the ink of its page"
    assert 'fill="#ffffff"' in drawn
    assert 'fill="#ffffff"' not in shown, "and its ground"
