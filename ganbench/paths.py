# SPDX-License-Identifier: MIT
"""Where files are kept: XDG folders, each with its own environment variable."""

from __future__ import annotations

import os
from pathlib import Path

from ganbench.errors import InputError

_OFFLINE = ("GANBENCH_OFFLINE", "HF_HUB_OFFLINE")


def cache() -> Path:
    """Return the folder for files that can be made again: ``GANBENCH_CACHE``, or the XDG cache."""
    return _folder("GANBENCH_CACHE", _xdg("XDG_CACHE_HOME", ".cache") / "ganbench")


def weights() -> Path:
    """Return the folder for feature-network weights: ``GANBENCH_WEIGHTS``, or one in the cache."""
    return _folder("GANBENCH_WEIGHTS", cache() / "weights")


def runs() -> Path:
    """Return the folder for runs: ``GANBENCH_RUNS``, or ``runs`` in the working folder."""
    return _folder("GANBENCH_RUNS", Path("runs"))


def data_roots(root: str | Path | None = None) -> list[Path]:
    """Return the folders that are searched for downloaded datasets, ``root`` first."""
    roots = [expand(root)] if root else []
    if listed := os.environ.get("GANBENCH_DATA"):
        roots += [expand(part) for part in listed.split(os.pathsep) if part]
    return [*roots, cache() / "data", Path("/usr/share/datasets")]


def offline() -> bool:
    """Tell whether downloads are forbidden: ``GANBENCH_OFFLINE`` or ``HF_HUB_OFFLINE`` is set."""
    return any(os.environ.get(variable, "") not in {"", "0"} for variable in _OFFLINE)


def expand(path: str | Path) -> Path:
    """Return a path with the home that ``~`` or ``~user`` stands for.

    Raises:
        InputError: There is no such user, or no file can have such a name.
    """
    text = str(path)
    if "\0" in text:
        raise InputError(f"{text!r} is no path: it holds the character NUL.")
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        user = text.partition("/")[0]
        raise InputError(
            f"{text} cannot be found: the home folder {user} stands for is not known.",
            f"A file that begins with ~ is written ./{text}.",
        ) from error


def _folder(variable: str, default: Path) -> Path:
    return expand(os.environ.get(variable) or default)


def _xdg(variable: str, default: str) -> Path:
    return Path(os.environ.get(variable) or expand("~") / default)
