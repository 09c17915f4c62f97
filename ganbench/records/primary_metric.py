# SPDX-License-Identifier: MIT
"""The primary metric and the baseline of a comparison, kept next to its runs for each dataset.

A report of the runs must not choose others after the numbers are known.

    {"schema": 1, "datasets": {"mnist5k": {"primary_metric": "fid", "baseline": "none"}}}

Files of earlier versions hold one metric for all datasets, ``{"primary_metric": "fid"}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ganbench.errors import GanbenchError
from ganbench.records.atomic_files import read_json, write_json
from ganbench.records.json_values import as_mapping, as_text

COMPARISON_FILE = "comparison.json"
_PREFERRED = ("fid", "clean-fid", "fid-infinity", "fd-dinov2", "kid", "kid-full", "reverse-kl")


def primary_rank(metric: str) -> int:
    """Return the place of a metric, with any network, among those that are primary by default.

    >>> primary_rank("fid@mnist-cnn"), primary_rank("modes") > primary_rank("kid")
    (0, True)
    """
    kind = metric.partition("@")[0]
    return _PREFERRED.index(kind) if kind in _PREFERRED else len(_PREFERRED)


@dataclass(frozen=True)
class Choice:
    """What a comparison chose before it was seen; a field is empty where nothing was chosen.

    ``primary_metric`` is empty where the default was taken. ``baseline`` is a variant, a set of
    tricks, or ``none``.
    """

    primary_metric: str = ""
    baseline: str = ""


def record_choices(folder: Path, choices: Mapping[str, Choice]) -> None:
    """Write what a comparison in a folder chose; the choices on other datasets stay.

    Args:
        folder: the folder of the runs.
        choices: the choice on each dataset that was compared.

    Raises:
        StorageError: the folder cannot be written.
    """
    document = dict(_document(folder))
    chosen = {name: dict(vars(choice)) for name, choice in choices.items()}
    datasets = {**as_mapping(document.get("datasets")), **chosen}
    write_json(folder / COMPARISON_FILE, {**document, "schema": 1, "datasets": datasets})


class RecordedChoices:
    """What the comparisons in some folders chose; each file is read once."""

    def __init__(self) -> None:
        self._documents: dict[Path, Mapping[str, object]] = {}

    def on(self, dataset: str, folder: Path) -> Choice:
        """Return what was chosen for the runs on a dataset in a folder.

        A file that cannot be read chooses nothing.
        """
        if folder not in self._documents:
            self._documents[folder] = _document(folder)
        document = self._documents[folder]
        datasets = as_mapping(document.get("datasets"))
        # An earlier version's metric is for all datasets that were not compared again since.
        chosen = as_mapping(datasets.get(dataset)) if dataset in datasets else document
        return Choice(as_text(chosen.get("primary_metric")), as_text(chosen.get("baseline")))


def _document(folder: Path) -> Mapping[str, object]:
    try:
        there = (folder / COMPARISON_FILE).is_file()
        return as_mapping(read_json(folder / COMPARISON_FILE)) if there else {}
    except (GanbenchError, OSError):
        return {}
