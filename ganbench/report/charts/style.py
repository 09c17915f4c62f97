# SPDX-License-Identifier: MIT
"""How charts look: colors that everyone can tell apart, and a quiet theme."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

OKABE_ITO = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#8C8C8C",
    "#B8A800",
)
"""Colors that color-blind readers can tell apart (Okabe and Ito, 2008), on white and on black:
its black is a gray here, and its yellow is darker."""

BEHIND = "#8C8C8C"
"""The gray of baselines behind the variants that are compared with them."""

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"

DASHES = ((1, 0), (6, 3), (2, 2), (8, 3, 2, 3))


@dataclass(frozen=True)
class Style:
    """How a variant is drawn: in a color, and with a dash once all colors are in use."""

    color: str
    dash: tuple[int, ...]


def styles(variants: Sequence[str]) -> dict[str, Style]:
    """Return how each variant is drawn, in the same way in every chart of a report."""
    count = len(OKABE_ITO)
    return {
        variant: Style(OKABE_ITO[index % count], DASHES[index // count % len(DASHES)])
        for index, variant in enumerate(variants)
    }


def theme(ink: str) -> dict[str, Any]:
    """Return a quiet look: no frames, a faint grid, one ``ink`` for everything but the data."""
    text = {"labelColor": ink, "titleColor": ink, "labelFontSize": 11, "titleFontSize": 11}
    return {
        "background": "transparent" if ink == "currentColor" else "#ffffff",
        "font": FONT,
        "view": {"stroke": None},
        "axis": {
            **text,
            "titleFontWeight": "normal",
            "domain": False,
            "ticks": False,
            "gridColor": ink,
            "gridOpacity": 0.12,
            "labelOpacity": 0.8,
            "labelPadding": 6,
            "labelFlush": False,
            "labelLimit": 170,
        },
        "legend": {**text, "symbolStrokeWidth": 3, "symbolOpacity": 1, "labelLimit": 260},
        "title": {"color": ink, "fontSize": 12, "fontWeight": 600, "anchor": "start", "offset": 8},
    }
