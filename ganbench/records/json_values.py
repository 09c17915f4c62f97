# SPDX-License-Identifier: MIT
"""JSON values read as the types that they should have; a value of another type is left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import cache
from typing import Any, get_type_hints

from ganbench.records.strip_paths import strip_paths


def as_number(value: object) -> float | None:
    """Return a finite number as it is, anything else as None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if value - value == 0 else None


def as_whole(value: object) -> int | None:
    """Return a whole number as it is, anything else as None."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def as_text(value: object) -> str:
    """Return a text without absolute paths, anything else as the empty text."""
    return strip_paths(value) if isinstance(value, str) else ""


def as_mapping(value: object) -> Mapping[str, Any]:
    """Return a mapping as it is, anything else as an empty mapping."""
    return value if isinstance(value, Mapping) else {}


def as_counts(value: object) -> dict[str, int]:
    """Return the whole numbers of a mapping by name."""
    counts = {str(name): as_whole(count) for name, count in as_mapping(value).items()}
    return {name: count for name, count in counts.items() if count is not None}


_READERS: Mapping[Any, Callable[[object], Any]] = {
    str: as_text,
    int: lambda value: as_whole(value) or 0,
    int | None: as_whole,
    float | None: as_number,
    Mapping[str, int]: as_counts,
    Mapping[str, Any]: as_mapping,
}
"""How a value is read from JSON, by the type of the field that it becomes."""


@cache
def field_readers(record: type) -> Mapping[str, Callable[[object], Any]]:
    """Return how each field of a dataclass is read from JSON, by the type it is declared with.

    Left out are fields of other types than texts, numbers and plain mappings.
    """
    types = get_type_hints(record)
    return {
        field.name: _READERS[types[field.name]]
        for field in fields(record)
        if types[field.name] in _READERS
    }


def read_fields(record: type, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a dataclass that a JSON object holds, each under its own name.

    A field that is missing there, or of a wrong type, is empty: ``""``, None, 0 or ``{}``.
    """
    return {name: read(row.get(name)) for name, read in field_readers(record).items()}
