# SPDX-License-Identifier: MIT
"""A run as a typed record, and how plain JSON values are read into it.

Reading never fails for what is missing: a value of a wrong type is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ganbench.records.strip_paths import strip_paths

COUNTED = ("done", "diverged", "collapsed")
"""The statuses of runs that are over and whose outcome is a result."""

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Measurement:
    """A measured number with its 95 % interval, its protocol and the real-against-real floor."""

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    floor: float | None = None
    protocol: str = ""
    better: str = ""
    unit: str = ""
    note: str = ""
    bias: float | None = None
    warning: str = ""

    @staticmethod
    def read(record: object) -> Measurement:
        """Read a measurement from JSON; what is missing or of a wrong type is left out."""
        if not isinstance(record, Mapping):
            return Measurement(as_number(record))
        count = as_number(record.get("n"))
        return Measurement(
            value=as_number(record.get("value")),
            low=as_number(record.get("low")),
            high=as_number(record.get("high")),
            n=None if count is None else int(count),
            floor=as_number(record.get("floor")),
            protocol=as_text(record.get("protocol")),
            better=as_text(record.get("better")),
            unit=as_text(record.get("unit")),
            note=as_text(record.get("note")),
            bias=as_number(record.get("bias")),
            warning=as_text(record.get("warning")),
        )


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


@dataclass(frozen=True)
class RunRecord:
    """One run. ``name`` is its folder's name; no fields but ``grids`` and ``place`` hold a path.

    ``variant`` is the model's name and what sets the run apart from others of the model, the
    seed aside: the ``tricks`` added to it, joined by +, and the ``setting``, each empty where
    there is none. ``threads`` are those it was trained with. ``place`` is the folder that holds
    curves, losses and grids which have not been read yet. ``repeats`` counts further runs of the
    same identity that were set aside.
    """

    name: str
    status: str
    identity: str = ""
    model: str = ""
    dataset: str = ""
    variant: str = ""
    tricks: str = ""
    setting: str = ""
    seed: int | None = None
    kimg: float | None = None
    seconds: float | None = None
    images_per_second: float | None = None
    device: str = ""
    precision: str = ""
    threads: int | None = None
    command: str = ""
    problem: str = ""
    repeats: int = 0
    parameters: Mapping[str, int] = field(default_factory=dict)
    metrics: Mapping[str, Measurement] = field(default_factory=dict)
    curves: tuple[Curve, ...] = ()
    losses: tuple[Curve, ...] = ()
    grids: tuple[Path, ...] = ()
    config: Json = field(default_factory=dict)
    environment: Json = field(default_factory=dict)
    environment_id: str = ""
    place: Path | None = None

    @property
    def counted(self) -> bool:
        """Whether the run is over and its outcome, good or bad, is a result."""
        return self.status in COUNTED


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
