# SPDX-License-Identifier: MIT
"""Measurements of speed on disk: one JSON document for each question asked of a machine.

    OUT/throughput/NAME.json   {"schema", "ganbench", "command", "environment", "protocol",
                               "ceilings": [...], "cases": [...]}

A case is one setting (``KEY``) with its figures, or with the reason why there are none. A figure
is null where it could not be had.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from ganbench.config import digest
from ganbench.errors import DamagedRunError, InputError
from ganbench.records.atomic_files import finite, read_json, slug, write_json
from ganbench.records.environment import environment_id
from ganbench.records.strip_paths import strip_paths_in

SPEED_SCHEMA = 1
SPEED_FOLDER = "throughput"

CASE_KEY = (
    "model",
    "tricks",
    "dataset",
    "batch_size",
    "device",
    "precision",
    "memory_format",
    "compile",
    "threads",
    "settings",
)
"""What tells two cases apart on one machine."""

Figure = Annotated[float, Field(ge=0)]


@dataclass(frozen=True)
class Rate:
    """Images per second: the median over rounds, and each round."""

    images_per_second: Figure | None = None
    rounds: tuple[Figure, ...] = ()


@dataclass(frozen=True)
class Latency:
    """Milliseconds until a single sample is there: percentiles over ``count`` of them."""

    p50: Figure | None = None
    p90: Figure | None = None
    p99: Figure | None = None
    count: int | None = None


@dataclass(frozen=True)
class SpeedCase:
    """One setting and its figures.

    ``settings`` are further ones, as ``key=value``. ``split_ms`` is milliseconds of one iteration
    by part, ``profile`` the share of its time by kind of operation; ``gflop_per_image`` is by
    ``training`` and ``sampling``; ``gflops`` are GFLOP/s of training, ``share_of_ceiling`` their
    part of what the machine reached (see ``Ceiling``). ``memory_mib`` is in MiB,
    ``startup_seconds`` in seconds, both by name. ``steady`` is false where the speed still changed
    after warming up.
    """

    model: str
    tricks: tuple[str, ...]
    dataset: str
    batch_size: Annotated[int, Field(ge=1)]
    device: str
    precision: str
    memory_format: str
    compile: bool
    threads: int | None
    status: Literal["ok", "failed"]
    settings: tuple[str, ...] = ()
    device_name: str | None = None
    problem: str = ""
    steady: bool = True
    training: Rate | None = None
    sampling: Rate | None = None
    latency_ms: Latency | None = None
    split_ms: Mapping[str, Figure | None] | None = None
    profile: Mapping[str, Figure | None] | None = None
    parameters: Mapping[str, int | None] | None = None
    gflop_per_image: Mapping[str, Figure | None] | None = None
    gflops: Figure | None = None
    share_of_ceiling: Figure | None = None
    memory_mib: Mapping[str, float | None] | None = None
    startup_seconds: Mapping[str, Figure | None] | None = None

    @property
    def key(self) -> tuple[Any, ...]:
        """What tells the case apart from others on its machine."""
        return case_key(vars(self))

    @property
    def rounds(self) -> tuple[float, ...]:
        """Images per second of training, round by round; empty of a case that failed."""
        return self.training.rounds if self.training else ()


@dataclass(frozen=True)
class RooflineRecord:
    """GFLOP/s that plain arithmetic reached on a device, and which arithmetic it was."""

    device: str
    precision: str
    threads: int | None
    gflops: Figure | None
    by: str = ""


@dataclass(frozen=True)
class SpeedProtocol:
    """How it was measured: rounds, the seconds of each, samples timed for the latency."""

    rounds: int | None = None
    seconds: Figure | None = None
    latencies: int | None = None


@dataclass(frozen=True)
class SpeedRecord:
    """One document. ``name`` is its file's stem; ``document`` is all of it, as it is kept.

    Of a file that cannot be read there are the name and the ``problem`` alone.
    """

    environment: Mapping[str, Any]
    cases: Annotated[tuple[SpeedCase, ...], Field(min_length=1)]
    ceilings: tuple[RooflineRecord, ...] = ()
    protocol: SpeedProtocol = SpeedProtocol()
    command: str = ""
    ganbench: str = ""
    name: str = ""
    document: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""

    @property
    def environment_id(self) -> str:
        """What documents made in one environment share."""
        return environment_id(self.environment)


def case_key(case: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what tells a case apart from others on its machine, in the order of ``KEY``."""
    lists = {"tricks", "settings"}
    return tuple(tuple(case.get(one, ())) if one in lists else case[one] for one in CASE_KEY)


def write_speeds(folder: Path, document: Mapping[str, Any]) -> Path:
    """Write a document below a folder of runs; it replaces an earlier answer to its question.

    Raises:
        StorageError: the folder cannot be written.
    """
    kept: dict[str, Any] = strip_paths_in(document)
    path = folder / SPEED_FOLDER / f"{speeds_name(kept)}.json"
    write_json(path, kept)
    return path


def speeds_name(document: Mapping[str, Any]) -> str:
    """Return the name that documents share if they ask one question of one machine."""
    cases = document["cases"]
    models, devices = (
        slug("-".join(dict.fromkeys(case[name] for case in cases))) for name in ("model", "device")
    )
    asked = {
        "cases": sorted((case_key(case) for case in cases), key=json.dumps),
        "environment": environment_id(document["environment"]),
    }
    return f"{models[:60].rstrip('-.')}-{devices}-{digest(asked)[:8]}"


def read_speeds(path: Path) -> SpeedRecord:
    """Read a document.

    Raises:
        DamagedRunError: it is not there, not whole, or holds no measurements of speed.
        InputError: it was written by a newer ganbench.
    """
    document: dict[str, Any] = finite(strip_paths_in(read_json(path)))
    schema = document.get("schema")
    if isinstance(schema, int) and schema > SPEED_SCHEMA:
        raise InputError(
            f"{path} was written by a newer ganbench: its schema is {schema}, not {SPEED_SCHEMA}.",
            "Upgrade ganbench, or measure again.",
        )
    if schema != SPEED_SCHEMA:
        raise DamagedRunError(f"{path} is damaged: its schema is {schema!r}, not {SPEED_SCHEMA}.")
    try:
        # From JSON, where arrays may become tuples and yet no text becomes a number.
        record = _adapter().validate_json(json.dumps(document), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise DamagedRunError(
            f"{path} is damaged: {key}: {first['msg']}.", "Delete it, and measure again."
        ) from error
    return replace(record, name=speeds_name(document), document=document)


@cache
def _adapter() -> TypeAdapter[SpeedRecord]:
    """Build the check of documents when the first is read: most commands read none."""
    return TypeAdapter(SpeedRecord)


def find_speeds(folder: Path) -> Iterator[SpeedRecord]:
    """Yield the documents of a folder of runs, or of a report, in the order of their names.

    One that cannot be read has a ``problem``, which names no place on this machine.
    """
    for path in sorted((folder / SPEED_FOLDER).glob("*.json")):
        try:
            yield read_speeds(path)
        except (DamagedRunError, InputError) as error:
            problem = error.message.replace(str(path), path.name)
            yield SpeedRecord({}, (), name=path.stem, problem=problem)
