# SPDX-License-Identifier: MIT
"""Rows that papers have published, to stand next to measured rows, with the differences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganbench.config import Record, validate
from ganbench.errors import ConfigError


class PublishedRow(Record):
    """A row of a paper's table: its numbers as printed, and how its protocol differs from ours."""

    dataset: str
    model: str
    source: str
    metrics: dict[str, str]
    differs: str = ""


def published_rows(document: Mapping[str, Any]) -> list[PublishedRow]:
    """Read the rows of a TOML document with ``[[row]]`` tables.

    Raises:
        ConfigError: a key is unknown or missing, or the document holds no list of rows.
    """
    rows = document.get("row", [])
    if not isinstance(rows, list) or set(document) - {"row"}:
        raise ConfigError("A document of [[row]] tables was expected for published numbers.")
    return [validate(PublishedRow, row, f"row {index}: ") for index, row in enumerate(rows, 1)]
