# SPDX-License-Identifier: MIT
"""What was measured once on this machine, in a file of the cache for each kind of measurement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganbench import paths
from ganbench.errors import DamagedRunError
from ganbench.records.atomic_files import read_json, write_json

_SCHEMA = 1


def read_measured(kind: str) -> dict[str, Any]:
    """Return the measurements of a kind by key; none if the file is missing or cannot be read."""
    try:
        document = read_json(paths.cache() / f"{kind}.json")
    except DamagedRunError:
        return {}
    measured = document.get("choices") if document.get("schema") == _SCHEMA else None
    return measured if isinstance(measured, dict) else {}


def write_measured(kind: str, measured: Mapping[str, Any]) -> None:
    """Store the measurements of a kind in place of the earlier ones."""
    write_json(paths.cache() / f"{kind}.json", {"schema": _SCHEMA, "choices": measured})
