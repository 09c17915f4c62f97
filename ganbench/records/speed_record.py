# SPDX-License-Identifier: MIT
"""Measurements of speed on disk: one JSON document for each question asked of a machine.

    OUT/throughput/NAME.json   {"schema", "ganbench", "command", "environment", "protocol",
                               "ceilings": [...], "cases": [...]}

A case is one setting (``SpeedSetting``) with its figures, or with the reason why it has none. A
figure that could not be measured is null.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from ganbench.config import digest
from ganbench.errors import DamagedRunError, InputError
from ganbench.records.atomic_files import read_json, slug, write_json
from ganbench.records.environment import environment_id
from ganbench.records.json_values import as_mapping, finite, json_text, strict_json
from ganbench.records.strip_paths import strip_paths_in

SPEED_SCHEMA = 1
SPEED_FOLDER = "throughput"

Figure = Annotated[float, Field(ge=0)]

CeilingKey = tuple[str, str, int | None]
"""What the ceiling of a case depends on: device, precision, threads."""


@dataclass(frozen=True)
class Rate:
    """Images per second: the median over rounds, and each round."""

    images_per_second: Figure | None = None
    rounds: tuple[Figure, ...] = ()


@dataclass(frozen=True)
class Latency:
    """Milliseconds until a single sample is ready: percentiles over ``count`` samples."""

    p50: Figure | None = None
    p90: Figure | None = None
    p99: Figure | None = None
    count: int | None = None


@dataclass(frozen=True)
class SpeedSetting:
    """A GAN, and how and where it is computed: all that tells two cases on a machine apart.

    ``settings`` are further settings, as ``key=value``.
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
    settings: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[Any, ...]:
        """What tells the setting apart from others on its machine."""
        return case_key(vars(self))

    @property
    def ceiling_key(self) -> CeilingKey:
        """What its ceiling depends on."""
        return self.device, self.precision, self.threads


CASE_KEY = tuple(entry.name for entry in fields(SpeedSetting))
"""The fields that tell two cases on one machine apart."""


@dataclass(frozen=True, kw_only=True)
class SpeedCase(SpeedSetting):
    """One setting and its figures.

    ``steady`` is false if the speed still changed after warming up. ``split_ms`` is milliseconds
    of one iteration by part, ``profile`` the share of its time by kind of operation.
    ``gflop_per_image`` is by ``training`` and ``sampling``. ``gflops`` are the GFLOP/s of
    training, ``share_of_ceiling`` their share of the GFLOP/s that the machine reached (see
    ``Roofline``). ``memory_mib`` is in MiB and ``startup_seconds`` in seconds, both by name.
    """

    status: Literal["ok", "failed"]
    problem: str = ""
    device_name: str | None = None
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
    def rounds(self) -> tuple[float, ...]:
        """Images per second of training, round by round; empty for a case that failed."""
        return self.training.rounds if self.training else ()


@dataclass(frozen=True)
class Roofline:
    """The most GFLOP/s that plain arithmetic reached on a device, and by which arithmetic."""

    device: str
    precision: str
    threads: int | None
    gflops: Figure | None
    by: str = ""

    @property
    def ceiling_key(self) -> CeilingKey:
        """Which settings it is the ceiling of."""
        return self.device, self.precision, self.threads


@dataclass(frozen=True)
class SpeedProtocol:
    """How a speed is measured.

    Every case has a turn of ``seconds`` in each of the ``rounds``; ``latencies`` is the number of
    single samples that are timed over all rounds.
    """

    rounds: int
    seconds: Figure
    latencies: int


@dataclass(frozen=True)
class SpeedRecord:
    """One document. ``name`` is its file's stem; ``document`` is its content as it was read.

    A file that cannot be read has only a name and a ``problem``. ``protocol`` is None unless the
    document states all of it.
    """

    environment: Mapping[str, Any]
    cases: Annotated[tuple[SpeedCase, ...], Field(min_length=1)]
    ceilings: tuple[Roofline, ...] = ()
    protocol: SpeedProtocol | None = None
    command: str = ""
    ganbench: str = ""
    name: str = ""
    document: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""

    @property
    def environment_id(self) -> str:
        """Eight hex digits that documents made in one environment share."""
        return environment_id(self.environment)


def case_key(case: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what tells a case apart from others on its machine, in the order of ``CASE_KEY``."""
    lists = {"tricks", "settings"}
    return tuple(tuple(case.get(name, ())) if name in lists else case[name] for name in CASE_KEY)


def write_speeds(folder: Path, document: Mapping[str, Any]) -> Path:
    """Write a document below a folder of runs; it replaces an earlier answer to its question.

    Raises:
        StorageError: the folder cannot be written.
    """
    portable: dict[str, Any] = strip_paths_in(document)
    path = folder / SPEED_FOLDER / f"{speeds_name(portable)}.json"
    write_json(path, portable)
    return path


def speeds_name(document: Mapping[str, Any]) -> str:
    """Return the name that documents share if they ask one question of one machine."""
    cases = document["cases"]
    models, devices = (
        slug("-".join(dict.fromkeys(case[name] for case in cases))) for name in ("model", "device")
    )
    question = {
        "cases": sorted((case_key(case) for case in cases), key=json_text),
        "environment": environment_id(document["environment"]),
    }
    return f"{models[:60].rstrip('-.')}-{devices}-{digest(question)[:8]}"


def read_speeds(path: Path) -> SpeedRecord:
    """Read a document.

    Raises:
        DamagedRunError: the file is missing, not whole, or holds no measurements of speed.
        InputError: the file was written by a newer ganbench.
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
    checked = {**document, "protocol": _whole_protocol(document.get("protocol"))}
    try:
        # From JSON, where arrays may become tuples and yet no text becomes a number.
        record = _adapter().validate_json(strict_json(checked), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise DamagedRunError(
            f"{path} is damaged: {key}: {first['msg']}.", "Delete it, and measure again."
        ) from error
    return replace(record, name=speeds_name(document), document=document)


def _whole_protocol(protocol: object) -> Mapping[str, Any] | None:
    """Return the protocol that a document states; None unless it states every figure."""
    figures = as_mapping(protocol)
    whole = all(figures.get(entry.name) is not None for entry in fields(SpeedProtocol))
    return figures if whole else None


@cache
def _adapter() -> TypeAdapter[SpeedRecord]:
    """Build the validator of documents when the first is read: most commands read none."""
    return TypeAdapter(SpeedRecord)


def find_speeds(folder: Path) -> Iterator[SpeedRecord]:
    """Yield the documents of a folder of runs, or of a report, in the order of their names.

    A document that cannot be read has a ``problem``, which names no place on this machine.
    """
    for path in sorted((folder / SPEED_FOLDER).glob("*.json")):
        try:
            yield read_speeds(path)
        except (DamagedRunError, InputError) as error:
            problem = error.message.replace(str(path), path.name)
            yield SpeedRecord({}, (), name=path.stem, problem=problem)
