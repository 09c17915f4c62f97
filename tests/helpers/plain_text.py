# SPDX-License-Identifier: MIT
"""What a report says, without its marks."""

from __future__ import annotations

from ganbench.report.content_blocks import Text, TextCell, spans


def plain(text: Text) -> str:
    """Return a text of a report as it reads."""
    return "".join(span.text for span in spans(text))


def cell_text(cell: TextCell) -> str:
    """Return a cell of a table with its notes."""
    return " ".join([plain(cell.text), *cell.notes])
