# SPDX-License-Identifier: MIT
"""A run as a typed record, and how plain JSON values are read into it.

Reading never fails for what is missing: a value of a wrong type is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ganbench.records.measurement import Measurement

COUNTED = ("done", "diverged", "collapsed")
"""The statuses of runs that are over and whose outcome is a result."""

Json = Mapping[str, Any]


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
