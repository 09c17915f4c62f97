# SPDX-License-Identifier: MIT
"""Cases as rows of a table and lines of a chart, and the name of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ganbench.config import counted
from ganbench.records.speed_record import Roofline, SpeedCase, SpeedRecord

SETTINGS = ("dataset", "precision", "memory_format", "compile", "threads", "settings")
"""The settings that name a case next to its model, tricks and batch size, where they differ."""

_ALWAYS = ("dataset", "precision")

Measured = tuple[SpeedRecord, SpeedCase]
"""A case, and the document that holds it."""


@dataclass(frozen=True)
class SpeedRow:
    """One case and its names.

    ``label`` names its model and tricks, ``setting`` everything else but the batch size. ``series``
    is the label with the settings that differ between any cases. No two cases on one machine share
    both series and batch size.
    """

    case: SpeedCase
    ceiling: Roofline | None
    label: str
    setting: str
    series: str


def differing_settings(cases: Sequence[SpeedCase]) -> tuple[str, ...]:
    """Return those of ``SETTINGS`` that are not the same for all cases."""
    return tuple(name for name in SETTINGS if len({getattr(case, name) for case in cases}) > 1)


def speed_rows(measured: Sequence[Measured], differing: Sequence[str]) -> list[SpeedRow]:
    """Return one row for each case of a machine: of repeats the one with the most rounds."""
    longest: dict[tuple[Any, ...], Measured] = {}
    for record, case in measured:
        other = longest.get(case.key)
        if other is None or len(case.rounds) > len(other[1].rounds):
            longest[case.key] = record, case
    return [_row(record, case, differing) for record, case in longest.values()]


def _row(record: SpeedRecord, case: SpeedCase, differing: Sequence[str]) -> SpeedRow:
    label = " + ".join([case.model, *case.tricks])
    settings = [setting_words(case, name) for name in differing]
    others = [setting_words(case, name) for name in differing if name not in _ALWAYS]
    return SpeedRow(
        case=case,
        ceiling=_ceiling(record, case),
        label=label,
        setting=listed([case.dataset, case.precision, *others]),
        series=listed([label, *settings]),
    )


def _ceiling(record: SpeedRecord, case: SpeedCase) -> Roofline | None:
    """Return the ceiling that a case was compared with."""
    key = case.ceiling_key
    return next((ceiling for ceiling in record.ceilings if ceiling.ceiling_key == key), None)


def listed(words: Sequence[str]) -> str:
    """Return the words that are not empty, with commas."""
    return ", ".join(filter(None, words))


def setting_words(case: SpeedCase, name: str) -> str:
    """Return a setting of a case as a sentence lists it; empty where it says nothing."""
    if name == "compile":
        return "compiled" if case.compile else ""
    if name == "threads":
        return counted(case.threads, "thread") if case.threads else ""
    if name == "settings":
        return ", ".join(case.settings)
    value = str(getattr(case, name))
    return f"on {value}" if name == "dataset" else value
