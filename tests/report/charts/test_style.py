# SPDX-License-Identifier: MIT
"""Many variants: each can be told from the others, in every chart, legend and table."""

from __future__ import annotations

import pytest

from ganbench.report.charts.panels import color_encodings
from ganbench.report.charts.style import OKABE_ITO, Style, styles


def luminance(color: str) -> float:
    """Return the relative luminance of a color (WCAG 2)."""
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("count", [13, 32])
def test_no_two_variants_look_alike(count: int) -> None:
    looks = styles([f"variant {index}" for index in range(count)]).values()
    assert len({(style.color, style.dash) for style in looks}) == count
    assert len({(style.color, style.shape) for style in looks}) == count


@pytest.mark.parametrize("color", OKABE_ITO)
@pytest.mark.parametrize("ground", ["#ffffff", "#14181c"])
def test_colors_stand_out_from_a_light_and_a_dark_page(color: str, ground: str) -> None:
    bright, dark = sorted([luminance(color), luminance(ground)], reverse=True)
    assert (bright + 0.05) / (dark + 0.05) > 2


def test_two_variants_of_one_color_are_told_apart_even_where_few_are_drawn() -> None:
    looks = styles([f"variant {index}" for index in range(9)])
    two = {name: looks[name] for name in ("variant 0", "variant 8")}
    encodings = color_encodings(two, legend=None)
    assert encodings["strokeDash"].to_dict()["scale"]["range"] == [[1, 0], [6, 3]]
    assert "strokeDash" not in color_encodings({"a": Style(OKABE_ITO[0])}, legend=None)
