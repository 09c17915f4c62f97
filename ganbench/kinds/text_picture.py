# SPDX-License-Identifier: MIT
"""A picture of texts, a line for each."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

MOST_CHARACTERS = 80
"""How much of a text a line shows."""
_SIZE, _LEADING, _MARGIN = 16, 26, 12


def text_lines(texts: Sequence[str], *, width: int = 760) -> Image.Image:
    """Draw texts below each other; line breaks become spaces, and long texts end in an ellipsis."""
    font = ImageFont.load_default(_SIZE)
    sheet = Image.new("RGB", (width, len(texts) * _LEADING + 2 * _MARGIN), "white")
    pen = ImageDraw.Draw(sheet)
    for index, text in enumerate(texts):
        line = "".join(letter if letter.isprintable() else " " for letter in text)
        shown = line if len(line) <= MOST_CHARACTERS else line[: MOST_CHARACTERS - 1] + "…"
        while pen.textlength(shown, font=font) > width - 2 * _MARGIN:
            shown = shown[:-2] + "…"
        pen.text((_MARGIN, _MARGIN + index * _LEADING), shown, font=font, fill=(30, 30, 30))
    return sheet
