# SPDX-License-Identifier: MIT
"""The primary metric that a comparison named, kept next to its runs.

A report of the runs must not choose another one after the numbers are known.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ganbench.errors import GanbenchError
from ganbench.records.atomic_files import read_json, write_json
from ganbench.records.json_values import as_text

COMPARISON_FILE = "comparison.json"
_PREFERRED = ("fid", "clean-fid", "fid-infinity", "fd-dinov2", "kid", "kid-full", "reverse-kl")


def primary_rank(metric: str) -> int:
    """Return the place of a metric, with any network, among those that are primary by default.

    >>> primary_rank("fid@mnist-cnn"), primary_rank("modes") > primary_rank("kid")
    (0, True)
    """
    kind = metric.partition("@")[0]
    return _PREFERRED.index(kind) if kind in _PREFERRED else len(_PREFERRED)


def record_primary_metric(folder: Path, metric: str | None) -> None:
    """Write the metric that a comparison in a folder names, or that it names none any more.

    Raises:
        StorageError: the folder cannot be written.
    """
    if metric is not None or (folder / COMPARISON_FILE).is_file():
        write_json(folder / COMPARISON_FILE, {"schema": 1, "primary_metric": metric})


def recorded_primary_metric(folders: Iterable[Path]) -> str | None:
    """Return the metric that the comparisons in some folders name; None unless they agree.

    A file that cannot be read names none.
    """
    names = {_read(folder / COMPARISON_FILE) for folder in folders}
    return names.pop() or None if len(names) == 1 else None


def _read(path: Path) -> str:
    if not path.is_file():
        return ""
    try:
        return as_text(read_json(path).get("primary_metric"))
    except GanbenchError:
        return ""
