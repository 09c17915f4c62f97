# SPDX-License-Identifier: MIT
"""A run as a typed record: its fields, how they are read from JSON, and how they are written.

The declaration of a field is the only place that knows it. Its type says how it is read (see
``json_values``), and ``_Storage`` says where: in which files of a run's folder the value stands,
and whether results.jsonl.gz has a column for it. Reading never fails for a value that is missing or
of a wrong type; the field is empty then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, TypeVar

from ganbench.records.json_values import as_mapping, as_number, field_readers, read_fields
from ganbench.records.measurement import Measurement
from ganbench.records.run_event import RunEvent, read_events

COUNTED = ("done", "diverged", "collapsed")
"""The statuses of runs that are over and whose outcome is a result."""

Json = Mapping[str, Any]
T = TypeVar("T")

FactSource = Literal["config.json", "config", "result.json", "env.json"]
"""A part of a run's folder that states facts; ``config`` is the RunConfig inside config.json."""

Columns = Literal["before", "after"]
"""The columns of results.jsonl.gz that stand before the metric, and those that stand after it."""


@dataclass(frozen=True)
class Curve:
    """One quantity along a run: ``values`` at ``kimg`` and at ``seconds`` of training.

    For a metric, ``protocol``, ``better`` and ``unit`` are those of its measurements.
    """

    name: str
    kimg: tuple[float, ...]
    seconds: tuple[float, ...]
    values: tuple[float, ...]
    protocol: str = ""
    better: str = ""
    unit: str = ""

    def record(self) -> dict[str, Any]:
        """Return the curve as plain data."""
        return dict(vars(self))

    @staticmethod
    def read(record: object) -> Curve | None:
        """Read a curve from JSON; None unless its columns are numbers and equally long."""
        row = as_mapping(record)
        kimg, seconds, values = (_numbers(row.get(key)) for key in ("kimg", "seconds", "values"))
        if not len(kimg) == len(seconds) == len(values) > 0:
            return None
        return Curve(kimg=kimg, seconds=seconds, values=values, **read_fields(Curve, row))


def _numbers(column: object) -> tuple[float, ...]:
    """Return a list of numbers, empty if any of its items is none."""
    numbers = [as_number(item) for item in column] if isinstance(column, list) else []
    present = [number for number in numbers if number is not None]
    return tuple(present) if len(present) == len(numbers) else ()


@dataclass(frozen=True)
class _Storage:
    """Where a plain field is stored, under its own name.

    ``sources`` are the parts of a run's folder that state it: the first value that is not empty
    counts. ``columns`` is its place in a row of results.jsonl.gz, None for no column.
    """

    sources: tuple[FactSource, ...]
    columns: Columns | None


def _stored(*sources: FactSource, columns: Columns | None = None) -> dict[str, _Storage]:
    """Return the metadata of a field that is stored as plain data."""
    return {"storage": _Storage(sources, columns)}


def _fact(default: T, *sources: FactSource, columns: Columns | None = None) -> T:
    """Declare a field with a default that is stored as plain data."""
    return field(default=default, metadata=_stored(*sources, columns=columns))


@dataclass(frozen=True)
class RunRecord:
    """One run. No field but ``grids``, ``recording`` and ``unread_folder`` holds a path.

    ``name`` is the name of the run's folder. ``variant`` is the model's name with all that sets
    the run apart from other runs of the model, except the seed: the ``tricks`` that were added,
    joined by +, and the ``setting``; both are empty where nothing differs. ``threads`` is the
    number of threads it was trained with. ``unread_folder`` is the folder whose curves, losses
    and grids have not been read yet. ``repeats`` counts further runs of the same identity that
    were set aside. ``health`` holds what went wrong and when, ``best`` the best evaluation, which
    was chosen by other samples than it is reported on; both are empty where nothing was recorded.
    ``primary_metric`` and ``baseline`` are what its comparison chose on the dataset; they are empty
    where nothing was chosen. ``recording`` is the page that plays the run, where it was recorded.
    """

    name: str = field(metadata=_stored())
    status: str = field(metadata=_stored(columns="after"))
    identity: str = _fact("", "config.json", "result.json", columns="before")
    model: str = _fact("", "config", "result.json", columns="before")
    dataset: str = _fact("", "config", "result.json", columns="before")
    variant: str = _fact("", "config.json", columns="before")
    tricks: str = _fact("", columns="before")
    setting: str = _fact("", columns="before")
    seed: int | None = _fact(None, "config", "result.json", columns="before")
    kimg: float | None = _fact(None, "result.json", columns="before")
    seconds: float | None = _fact(None, "result.json", columns="after")
    images_per_second: float | None = _fact(None, "result.json")
    device: str = _fact("", "result.json")
    precision: str = _fact("", "result.json", "config")
    threads: int | None = _fact(None, "env.json", columns="after")
    command: str = _fact("", "config.json")
    problem: str = _fact("")
    repeats: int = _fact(0)
    primary_metric: str = _fact("")
    baseline: str = _fact("")
    parameters: Mapping[str, int] = field(default_factory=dict, metadata=_stored("result.json"))
    config: Json = field(default_factory=dict, metadata=_stored())
    health: Json = field(default_factory=dict, metadata=_stored("result.json"))
    best: Json = field(default_factory=dict, metadata=_stored("result.json"))
    metrics: Mapping[str, Measurement] = field(default_factory=dict)
    curves: tuple[Curve, ...] = ()
    losses: tuple[Curve, ...] = ()
    grids: tuple[Path, ...] = ()
    recording: Path | None = None
    environment: Json = field(default_factory=dict)
    environment_id: str = ""
    unread_folder: Path | None = None

    @property
    def counted(self) -> bool:
        """Whether the run is over and its outcome, good or bad, is a result."""
        return self.status in COUNTED

    @property
    def events(self) -> tuple[RunEvent, ...]:
        """What went wrong in the run, the earliest first."""
        return read_events(self.health)

    def facts(self, columns: Columns | None = None) -> dict[str, Any]:
        """Return the stored fields as plain data: all, or those in some columns of the results.

        Metrics, curves, grids and environment are not among them: each has a form of its own.
        """
        return {
            name: getattr(self, name)
            for name, storage in _STORAGE.items()
            if columns is None or storage.columns == columns
        }


_STORAGE: dict[str, _Storage] = {
    entry.name: entry.metadata["storage"] for entry in fields(RunRecord) if entry.metadata
}


def read_facts(row: Json) -> dict[str, Any]:
    """Read the fields that ``RunRecord.facts`` returned."""
    readers = field_readers(RunRecord)
    return {name: readers[name](row.get(name)) for name in _STORAGE}


def read_sources(documents: Mapping[FactSource, Json]) -> dict[str, Any]:
    """Read the fields that the files of a run's folder state."""
    readers = field_readers(RunRecord)
    stated = {}
    for name, storage in _STORAGE.items():
        values = [readers[name](documents[source].get(name)) for source in storage.sources]
        if values:
            stated[name] = next((value for value in values if value not in ("", None)), values[-1])
    return stated
