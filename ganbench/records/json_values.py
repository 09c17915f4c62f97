# SPDX-License-Identifier: MIT
"""The one place where JSON is written and read: what is written can be read again.

Values are read as the types that they should have; a value of another type is left out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from functools import cache
from typing import Any, get_type_hints

from pydantic_core import from_json

from ganbench.records.strip_paths import strip_paths

DEEPEST = 200
"""The most levels of arrays and objects that are read, which is the limit of ``from_json``."""

_LARGEST_BITS = 1024
"""Whole numbers with more bits are beyond every float, as infinity is."""


def json_text(value: Any, *, indent: int | None = None) -> str:
    """Return a value as JSON in ASCII; a number that no float can hold becomes null.

    A byte of a path that is not UTF-8 is a lone surrogate in Python, which is escaped.

    Args:
        value: what JSON can hold, at most ``DEEPEST`` levels deep.
        indent: the number of spaces of each level; None writes everything on one line.
    """
    separators = (",", ":") if indent is None else None
    return json.dumps(finite(value), indent=indent, separators=separators, allow_nan=False)


def strict_json(value: Any) -> str:
    r"""Return a value as JSON for readers that refuse lone surrogates: each is a question mark.

    >>> strict_json({"path": "\u00e9 \udcff"})
    '{"path":"é ?"}'
    """
    text = json.dumps(finite(value), separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    return text.encode(errors="replace").decode()


def parse_json(text: bytes | str) -> Any:
    """Return the value of a JSON text.

    Raises:
        ValueError: the text is not valid JSON, or has too many levels or digits.
    """
    try:
        return from_json(text)  # several times as fast as the standard library
    except ValueError:
        return _parse_with_surrogates(text)


def _parse_with_surrogates(text: bytes | str) -> Any:
    """Return the value of a JSON text that may hold lone surrogates, which only Python reads."""
    too_deep = f"There are more than {DEEPEST} levels."
    try:
        value = json.loads(text)
    except RecursionError as error:
        raise ValueError(too_deep) from error
    level = [value]
    for _ in range(DEEPEST):
        level = [item for values in level for item in _items(values)]
    if any(isinstance(values, dict | list) for values in level):
        raise ValueError(too_deep)
    return value


def _items(value: object) -> Iterable[Any]:
    """Return the values of an object or array; nothing else has any."""
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def finite(value: Any) -> Any:
    """Replace numbers that JSON lacks, and whole numbers beyond every float, by None."""
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, int):
        return value if value.bit_length() < _LARGEST_BITS else None
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value


def as_number(value: object) -> float | None:
    """Return a finite number as it is, anything else as None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    number = finite(value)
    return None if number is None else float(number)


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
