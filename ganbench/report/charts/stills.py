# SPDX-License-Identifier: MIT
"""Charts as still pictures, for places that run no scripts: SVG without what no reader sees."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from ganbench.report.charts.panels import Panel
from ganbench.report.charts.style import FONT, theme

PADDING = {"left": 36, "right": 24, "top": 12, "bottom": 12}
"""Around a chart, because a reader's font may be wider than that by which names were measured."""


def still_specification(panels: Sequence[Panel], columns: int, width: int) -> dict[str, Any]:
    """Return panels as one chart in Vega-Lite, dark on white.

    Args:
        panels: The panels, from left to right and line by line.
        columns: The number of panels in a line.
        width: The width of each plot in pixels.
    """
    lines = [panels[index : index + columns] for index in range(0, len(panels), columns)]
    datasets = {panel.data.name: panel.data.rows for panel in panels}
    for panel in panels:  # what altair has moved out of the layers, such as the row of a floor
        datasets |= panel.view.get("datasets", {})
    own = any(panel.own_legend for panel in panels)
    resolve = {"scale": {"color": "independent" if own else "shared"}}
    specification = {
        "$schema": alt.SCHEMA_URL,
        "vconcat": [
            {
                "hconcat": [
                    {key: part for key, part in panel.view.items() if key != "datasets"}
                    | {"width": width}
                    for panel in line
                ],
                "spacing": 32,
                "resolve": resolve,
            }
            for line in lines
        ],
        "resolve": resolve,
        "spacing": 28,
        "padding": PADDING,
        "datasets": datasets,
    }
    return with_look(specification)


def with_look(
    specification: Mapping[str, Any], axis: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return a chart with the look of stills; ``axis`` adds to the look of the axes."""
    look = theme(INK)
    look["axis"] |= axis or {}
    return {**specification, "config": look}


def in_page(picture: str) -> str:
    """Return a still for a page, light or dark: in the color of its text, on its ground."""
    return _GROUND.sub("", picture, count=1).replace(f'="{INK}"', '="currentColor"')


INK = "#333333"
_GROUND = re.compile(r'<rect [^>]*fill="#ffffff"[^>]*/>')
_FONT = f' font-family="{FONT}"'
_UNSEEN = re.compile(
    r' (?:aria-[a-z]+|role|class|pointer-events)="[^"]*"| opacity="1"| transform="translate\(0,0\)"'
)
_EMPTY = re.compile(r'<path d="[^"]*"(?: display="none")?/>')  # the root has no fill, no stroke
_GEOMETRY = re.compile(r' (d|transform|x2|y2)="([^"]*)"')
_LINES = re.compile(r"(?:[ML]-?[\d.]+,-?[\d.]+)+")
_POINT = re.compile(r"([ML])(-?[\d.]+),(-?[\d.]+)")
_NUMBER = re.compile(r"-?\d+\.\d+")


def compact(picture: str) -> str:
    """Return the same picture in fewer bytes.

    The font is named once, coordinates keep a tenth of a pixel, and a line goes from point to
    point in relative steps. Names and descriptions of marks, and shapes that paint nothing, are
    left out: the picture stands in a document, where no script and no reader can reach its parts.
    """
    picture = picture.replace(_FONT, "").replace("<svg ", f"<svg{_FONT} ", 1)
    picture = _EMPTY.sub("", _UNSEEN.sub("", picture))
    return _GEOMETRY.sub(lambda match: f' {match[1]}="{_shortened(match[2])}"', picture)


def _shortened(geometry: str) -> str:
    """Return a path of straight lines in relative steps, anything else with shorter numbers."""
    if _LINES.fullmatch(geometry):
        return _relative(geometry)
    return _NUMBER.sub(lambda match: _tenths(round(float(match[0]) * 10)), geometry)


def _relative(path: str) -> str:
    """Return a path of straight lines in relative steps.

    >>> _relative("M10,20L11.04,20.5L12.1,19")
    'M10 20l1 .5 1.1-1.5'
    """
    parts: list[str] = []
    x = y = 0
    last = ""
    for command, across, down in _POINT.findall(path):
        next_x, next_y = round(float(across) * 10), round(float(down) * 10)
        if command == "M":
            letter, step = "M", (next_x, next_y)
        else:
            letter, step = "l", (next_x - x, next_y - y)
        first, second = (_tenths(number) for number in step)
        separated = letter if letter != last else "" if first.startswith("-") else " "
        parts.append(f"{separated}{first}{'' if second.startswith('-') else ' '}{second}")
        x, y, last = next_x, next_y, letter
    return "".join(parts)


def _tenths(number: int) -> str:
    """Return a number of tenths as SVG writes it, without zeros that say nothing.

    >>> _tenths(-5), _tenths(20), _tenths(0)
    ('-.5', '2', '0')
    """
    whole, tenth = divmod(abs(number), 10)
    text = f"{whole or ''}.{tenth}" if tenth else str(whole)
    return f"-{text}" if number < 0 else text
