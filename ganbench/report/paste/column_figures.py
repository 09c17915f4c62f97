# SPDX-License-Identifier: MIT
"""The charts of a report as vector figures for one column of a paper and for both."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ganbench.report.charts.drawing import SizedChart
from ganbench.report.charts.panels import Panel
from ganbench.report.charts.stills import still_specification
from ganbench.report.content_blocks import Charts

ONE_COLUMN = 240.0
TWO_COLUMNS = 504.0
"""The width of a column of a paper, and of both, in points, as in most two-column styles."""

_LETTERS = 0.75
"""A pixel of a chart becomes about this many points: its letters are as large as a caption's."""
_BESIDE_A_PLOT = 130
"""Pixels that the labels of an axis and the gap to the next panel take beside a plot."""
_PANELS_A_LINE = {"two": 2, "three": 3, "small": 3}


def column_figures(charts: Iterable[Charts]) -> dict[str, SizedChart]:
    """Return the figures to draw, by their files.

    Each chart that Markdown shows is one figure of two columns, and each of its panels one of a
    single column.

    Args:
        charts: The charts of a report.
    """
    drawn = {}
    for group in charts:
        panels = group.still_panels
        for number, panel in enumerate(panels, 1):
            suffix = f"-{number}" if len(panels) > 1 else ""
            file = f"figures/{group.name}-one-column{suffix}.pdf"
            drawn[file] = SizedChart(_specification([panel], 1, ONE_COLUMN), ONE_COLUMN)
        if len(panels) > 1:
            a_line = min(_PANELS_A_LINE[group.layout], len(panels))
            wide = _specification(panels, a_line, TWO_COLUMNS)
            drawn[f"figures/{group.name}-two-columns.pdf"] = SizedChart(wide, TWO_COLUMNS)
    return drawn


def _specification(panels: Iterable[Panel], a_line: int, points: float) -> dict[str, Any]:
    plot = round(points / _LETTERS / a_line) - _BESIDE_A_PLOT
    return still_specification(list(panels), a_line, plot)
