# SPDX-License-Identifier: MIT
"""Where things are kept: XDG folders, each with an environment variable of ganbench's own."""

from __future__ import annotations

import os
from pathlib import Path


def cache() -> Path:
    """Return the folder for what can be made again: ``GANBENCH_CACHE`` or the XDG cache."""
    return _folder("GANBENCH_CACHE", _xdg("XDG_CACHE_HOME", ".cache") / "ganbench")


def weights() -> Path:
    """Return the folder for feature-network weights: ``GANBENCH_WEIGHTS``, else in the cache."""
    return _folder("GANBENCH_WEIGHTS", cache() / "weights")


def runs() -> Path:
    """Return the folder for runs: ``GANBENCH_RUNS``, else ``runs`` in the working folder."""
    return _folder("GANBENCH_RUNS", Path("runs"))


def data_roots(given: Path | None = None) -> list[Path]:
    """Return the folders in which downloaded datasets are looked for, the given one first."""
    roots = [given] if given else []
    if named := os.environ.get("GANBENCH_DATA"):
        roots += [Path(part).expanduser() for part in named.split(os.pathsep) if part]
    return [*roots, cache() / "data", Path("/usr/share/datasets")]


def offline() -> bool:
    """Tell whether downloads are forbidden: ``GANBENCH_OFFLINE`` or ``HF_HUB_OFFLINE`` set."""
    return any(os.environ.get(name, "") not in {"", "0"} for name in _OFFLINE)


_OFFLINE = ("GANBENCH_OFFLINE", "HF_HUB_OFFLINE")


def _folder(variable: str, default: Path) -> Path:
    return Path(os.environ.get(variable) or default).expanduser()


def _xdg(variable: str, default: str) -> Path:
    return Path(os.environ.get(variable) or Path.home() / default)
