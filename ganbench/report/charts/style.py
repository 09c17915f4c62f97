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
SHAPES = ("circle", "square", "triangle-up", "diamond")
"""The dash and the shape of the first eight variants, of the next eight, and so on."""


@dataclass(frozen=True)
class Style:
    """How a variant is drawn: once all colors are in use, dashes and shapes tell more apart."""

    color: str
    dash: tuple[int, ...] = DASHES[0]
    shape: str = SHAPES[0]

    @property
    def solid(self) -> bool:
        """Whether its lines have no dash, and its dots are circles."""
        return self.dash == DASHES[0]


def styles(variants: Sequence[str]) -> dict[str, Style]:
    """Return how each variant is drawn, in the same way in every chart of a report."""
    looks = [
        Style(color, dash, shape)
        for dash, shape in zip(DASHES, SHAPES, strict=True)
        for color in OKABE_ITO
    ]
    return {variant: looks[index % len(looks)] for index, variant in enumerate(variants)}


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
