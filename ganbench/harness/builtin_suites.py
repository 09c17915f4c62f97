# SPDX-License-Identifier: MIT
"""The suites that are bundled with ganbench, found without importing the harness."""

from __future__ import annotations

import tomllib
from pathlib import Path

FOLDER = Path(__file__).parent / "suites"


def builtin_suites() -> dict[str, Path]:
    """Return the files of the bundled suites, by name."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.toml"))}


def title(path: Path) -> str:
    """Return the title of a suite; empty if it has none."""
    return str(tomllib.loads(path.read_text(encoding="utf-8")).get("title", ""))
