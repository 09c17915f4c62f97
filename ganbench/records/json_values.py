# SPDX-License-Identifier: MIT
"""Plain JSON values read as what they should be: what is of another type is left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
    """Return a text made portable, anything else as the empty one."""
    return strip_paths(value) if isinstance(value, str) else ""


def as_mapping(value: object) -> Mapping[str, Any]:
    """Return a mapping as it is, anything else as an empty one."""
    return value if isinstance(value, Mapping) else {}


def as_counts(value: object) -> dict[str, int]:
    """Return the whole numbers of a mapping by name."""
    given = {str(name): as_whole(count) for name, count in as_mapping(value).items()}
    return {name: count for name, count in given.items() if count is not None}
