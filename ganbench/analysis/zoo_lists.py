# SPDX-License-Identifier: MIT
"""Lists of facts that are bundled with the zoo, one entry for each name."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any, TypeVar

from ganbench.config import Record, validate
from ganbench.errors import ConfigError
from ganbench.records.bundled_generators import zoo_folder

Entry = TypeVar("Entry", bound=Record)


def read_list(
    document: Mapping[str, Any], table: str, kind: type[Entry], key: str
) -> dict[str, Entry]:
    """Read a document of ``[[table]]`` tables, by the field ``key`` of their entries.

    Raises:
        ConfigError: An entry is wrong or incomplete, a name has two, or the document holds no list
            of such tables.
    """
    rows = document.get(table, [])
    if not isinstance(rows, list) or set(document) - {table}:
        raise ConfigError(f"A document of [[{table}]] tables was expected.")
    entries: dict[str, Entry] = {}
    for index, row in enumerate(rows, 1):
        entry = validate(kind, row, f"{table} {index}: ")
        name = str(getattr(entry, key))
        if name in entries:
            raise ConfigError(f"{table.capitalize()} {index} is a second one for the {key} {name}.")
        entries[name] = entry
    return entries


def zoo_document(name: str) -> dict[str, Any]:
    """Return a TOML document of the zoo's folder."""
    return tomllib.loads((zoo_folder() / name).read_text(encoding="utf-8"))
