# SPDX-License-Identifier: MIT
"""Tables as CSV that a spreadsheet opens without running anything in it."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from ganbench.report.paste.plain_tables import PlainRow

_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def csv_text(rows: Sequence[PlainRow]) -> str:
    """Return rows as CSV (RFC 4180) with a head; None is an empty field, numbers are exact.

    A text that a spreadsheet would run as a formula is written with an apostrophe before it, which
    spreadsheets take as the sign of a text.

    Args:
        rows: One or more rows with the same columns.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows({name: _field(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def _field(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_STARTS_A_FORMULA) else value
