# SPDX-License-Identifier: MIT
"""A run on disk: a folder of plain files; ``result.json`` is written last.

    config.json    {"schema", "identity", "config": RunConfig, "options": {...}, "command"}
    env.json       the machine, the versions (that of ganbench too), the threads
    stats.jsonl    one row per tick: kimg, seconds, images_per_second, loss/..., logits/...
                   signal/..., gradient/generator, and diversity where a grid was drawn
    metrics.jsonl  one row per evaluation: kimg, seconds, metrics {name: measurement}, and where
                   it was the best so far "apart" {name: measurement}, on samples of their own
    samples/*.png  the same latents at each snapshot, ``kimg000123.0.png``; final.png
    checkpoint.safetensors   everything that training needs to continue
    generator.safetensors    everything that sampling needs
    result.json    {"schema", "status", "identity", "model", "dataset", "seed", "kimg",
                   "seconds", "images_per_second", "metrics", "unmeasured", "best", "health",
                   ...}
    lab.html       one page that plays the run offline, if it was recorded
    lab.frames     the frames of that page, while the run goes on
    failure.json   {"schema", "status": "failed" or "timeout", "error", ...} if a run came to
                   no result
    .lock          locked by the process that writes to the folder; .lock.json names it meanwhile

A measurement is {"value", "low", "high", "n", "n_real", "floor", "bias", "protocol", "better",
"unit", "note", "warning"}.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import Any

from ganbench.config import RunConfig, validate
from ganbench.errors import ConfigError, DamagedRunError, InputError, UnreadableRunError
from ganbench.records.atomic_files import (
    append_line,
    read_json,
    read_lines,
    storage_errors,
    write_json,
    write_lines,
)
from ganbench.records.json_values import as_mapping, as_number, as_text

RUN_SCHEMA = 1
STATUSES = ("done", "diverged", "collapsed", "interrupted", "failed", "timeout", "running")
RESULTS = ("done", "diverged", "collapsed")
"""The statuses that result.json may hold."""
FAILURES = ("failed", "timeout")
"""The statuses that failure.json may hold."""

_NUMBER = (int, float)
_GRID = re.compile(r"kimg\d+\.\d|final")

OUTCOME: Mapping[str, tuple[type, ...]] = {
    "status": (str,),
    "identity": (str,),
    "model": (str,),
    "dataset": (str,),
    "seed": (int,),
    "kimg": _NUMBER,
    "seconds": _NUMBER,
    "images_per_second": (*_NUMBER, NoneType),
    "metrics": (dict,),
}
"""The keys that every result.json holds, and the types of their values."""

_MEASURED: Mapping[str, tuple[type, ...]] = {
    "value": (*_NUMBER, NoneType),
    "low": (*_NUMBER, NoneType),
    "high": (*_NUMBER, NoneType),
    "floor": (*_NUMBER, NoneType),
    "n": (int,),
}
"""The keys of a measurement that are shown as numbers, and the types of their values."""

_MEASURE_AGAIN = "Delete it, then repeat the command with --resume to measure again."


@dataclass(frozen=True)
class Failure:
    """Why a run came to no result."""

    status: str
    """One of ``FAILURES``."""
    reason: str
    """What went wrong, in a sentence; never empty."""


@dataclass(frozen=True)
class RunFolder:
    """The files of one run."""

    path: Path

    @property
    def config_file(self) -> Path:
        """The configuration of the run."""
        return self.path / "config.json"

    @property
    def environment_file(self) -> Path:
        """The environment of the run."""
        return self.path / "env.json"

    @property
    def stats_file(self) -> Path:
        """The losses and speeds at each tick."""
        return self.path / "stats.jsonl"

    @property
    def metrics_file(self) -> Path:
        """The measurements along the run."""
        return self.path / "metrics.jsonl"

    @property
    def result_file(self) -> Path:
        """The outcome; it exists only once the run is over."""
        return self.path / "result.json"

    @property
    def failure_file(self) -> Path:
        """Why there is no outcome; it exists only if the run failed or ran out of time."""
        return self.path / "failure.json"

    @property
    def checkpoint_file(self) -> Path:
        """Everything that training needs to continue."""
        return self.path / "checkpoint.safetensors"

    @property
    def generator_file(self) -> Path:
        """Everything that sampling needs."""
        return self.path / "generator.safetensors"

    @property
    def recording_file(self) -> Path:
        """The page that plays the run offline; it exists only if the run was recorded."""
        return self.path / "lab.html"

    @property
    def frames_file(self) -> Path:
        """The frames of a recording that is not finished."""
        return self.path / "lab.frames"

    @property
    def samples_folder(self) -> Path:
        """The folder of sample grids."""
        return self.path / "samples"

    @property
    def finished(self) -> bool:
        """Whether the run is over, however it ended."""
        return self.result_file.is_file()

    def config(self) -> dict[str, Any]:
        """Return config.json."""
        return read_json(self.config_file)

    def environment(self) -> dict[str, Any]:
        """Return env.json."""
        return read_json(self.environment_file)

    def result(self) -> dict[str, Any]:
        """Return result.json."""
        return read_json(self.result_file)

    def description(self) -> RunConfig:
        """Return the validated configuration of the run.

        Raises:
            DamagedRunError: config.json is damaged, or describes no run.
        """
        values = self.config().get("config")
        try:
            return validate(RunConfig, values if isinstance(values, dict) else {})
        except ConfigError as error:
            raise DamagedRunError(
                f"{self.config_file} describes no run: {error.message}", "Restore the file."
            ) from error

    def outcome(self) -> dict[str, Any]:
        """Return result.json with all the keys that it must have.

        Raises:
            DamagedRunError: it is damaged.
        """
        return whole_result(self.result_file)

    def stats(self) -> list[dict[str, Any]]:
        """Return the rows of stats.jsonl, each of which says when it was written."""
        return _timed(read_lines(self.stats_file))

    def measurements(self) -> list[dict[str, Any]]:
        """Return the rows of metrics.jsonl, each of which says when it was written."""
        return _timed(read_lines(self.metrics_file))

    def write_config(self, value: Mapping[str, Any]) -> None:
        """Write config.json."""
        write_json(self.config_file, value)

    def write_environment(self, value: Mapping[str, Any]) -> None:
        """Write env.json."""
        write_json(self.environment_file, value)

    def write_result(self, value: Mapping[str, Any]) -> None:
        """Write result.json: the run is over."""
        write_json(self.result_file, {"schema": RUN_SCHEMA, **value})

    def append_stats(self, row: Mapping[str, Any]) -> None:
        """Add the row of a tick."""
        append_line(self.stats_file, row)

    def append_measurements(self, row: Mapping[str, Any]) -> None:
        """Add the row of an evaluation, replacing a row at the same kimg from before a crash."""
        rows = self.measurements()
        others = [other for other in rows if other.get("kimg") != row["kimg"]]
        if len(others) < len(rows):
            write_lines(self.metrics_file, [*others, row])
        else:
            append_line(self.metrics_file, row)

    def forget_after(self, kimg: float) -> None:
        """Drop the rows after ``kimg``, which a resumed run writes again."""
        for file in (self.stats_file, self.metrics_file):
            if file.is_file():
                rows = _timed(read_lines(file))
                write_lines(file, [row for row in rows if row["kimg"] <= kimg])

    def sample_grids(self) -> list[Path]:
        """Return the sample grids that training drew, oldest first; final.png last.

        Pictures that somebody drew later, or put there, are not among them.
        """
        pictures = self.samples_folder.glob("*.png")
        grids = [path for path in pictures if _GRID.fullmatch(path.stem)]
        return sorted(grids, key=lambda path: (path.stem == "final", path.stem))


def _timed(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows that state their kimg as a number."""
    return [row for row in rows if as_number(row.get("kimg")) is not None]


def whole_result(file: Path | str) -> dict[str, Any]:
    """Return a result.json with all the keys that it must have.

    Raises:
        DamagedRunError: the file is damaged.
        UnreadableRunError: this machine fails to read it.
    """
    try:
        result = read_json(file)
    except UnreadableRunError:  # it may be whole, and is not to be deleted
        raise
    except DamagedRunError as error:
        raise DamagedRunError(error.message, _MEASURE_AGAIN) from error
    return check_result(result, file)


def read_failure(file: Path | str) -> Failure:
    """Return what a failure.json says.

    Raises:
        DamagedRunError: the file is missing or damaged, or holds no known status.
    """
    failure = read_json(file)
    status = as_text(failure.get("status"))
    if status not in FAILURES:
        raise DamagedRunError(f"{file} is damaged: it holds no known status.")
    reason = as_text(failure.get("error")).strip()
    return Failure(status, reason or "failure.json does not say why.")


def check_result(result: dict[str, Any], file: Path | str) -> dict[str, Any]:
    """Return the outcome of a run if it has all the keys that it must have.

    Raises:
        DamagedRunError: a key is missing, has a value of a wrong type, or the status is unknown.
    """
    for document, keys in ((result, OUTCOME), *_measurements(result)):
        for key, types in keys.items():
            if key not in document:
                raise DamagedRunError(f"{file} is damaged: no '{key}'.", _MEASURE_AGAIN)
            if not isinstance(document[key], types) or isinstance(document[key], bool):
                raise DamagedRunError(
                    f"{file} is damaged: '{key}' has a value of a wrong type.", _MEASURE_AGAIN
                )
    if result["status"] not in RESULTS:
        raise DamagedRunError(f"{file} is damaged: it holds no known status.", _MEASURE_AGAIN)
    return result


def _measurements(result: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], Any]]:
    """Yield each measurement of a result, and the types of its values."""
    for record in as_mapping(result.get("metrics")).values():
        yield as_mapping(record), _MEASURED


def is_run(path: Path) -> bool:
    """Tell whether a folder is a run's, and not one in which another program keeps a config.json.

    A damaged config.json next to a checkpoint is a run's as well.
    """
    folder = RunFolder(path)
    if not folder.config_file.is_file() or folder.checkpoint_file.is_file():
        return folder.config_file.is_file()
    try:
        return {"identity", "config"} <= folder.config().keys()
    except UnreadableRunError:
        return True  # it may well be whole
    except DamagedRunError:
        return False


def open_run(path: Path) -> RunFolder:
    """Return the run in a folder.

    Raises:
        InputError: there is no such folder, or it holds no run.
    """
    folder = RunFolder(path)
    if not path.is_dir():
        raise InputError(f"There is no folder {path} to read a run from.", "Train a model first.")
    if not folder.config_file.is_file():
        raise InputError(
            f"{path} holds no run: there is no config.json.", "Train a model with ganbench run."
        )
    return folder


def find_runs(root: Path) -> Iterator[RunFolder]:
    """Yield every run at or below a folder, in the order of their names."""
    run_folders = []
    for folder, subfolders, files in os.walk(root):
        if "config.json" in files:
            run_folders.append(Path(folder))
            # With thousands of runs, most of the files to walk through are pictures.
            subfolders[:] = [name for name in subfolders if name != "samples"]
    yield from map(RunFolder, sorted(run_folders))


def name_folder(root: Path, stem: str, identity: str, *, resume: bool) -> RunFolder:
    """Return the folder for a run: ``stem-identity``, with a number if that folder exists.

    Args:
        root: the folder of all runs.
        stem: the readable part of the name.
        identity: the identity of the run, of which the name holds eight digits.
        resume: whether to return the latest unfinished run of the same identity, otherwise the
            latest finished run, and a new folder only if there is neither.

    Raises:
        StorageError: the folder cannot be searched.
        DamagedRunError: the configuration of a run that might be resumed is damaged.
    """
    base = f"{stem}-{identity[:8]}"
    names = itertools.chain([base], (f"{base}-{number}" for number in itertools.count(2)))
    folders = (RunFolder(root / name) for name in names)
    same: list[RunFolder] = []
    with storage_errors(root):
        for folder in folders:
            if not _is_used(folder.path):
                break
            if resume and _same_identity(folder, identity):
                same.append(folder)
    unfinished = [candidate for candidate in same if not candidate.finished]
    return (unfinished or same or [folder])[-1]


def _is_used(path: Path) -> bool:
    """Tell whether anything has a name, such as a link that leads nowhere."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _same_identity(folder: RunFolder, identity: str) -> bool:
    """Tell whether a folder holds the same run, or was made for a run that never began."""
    if not folder.config_file.is_file():
        return True
    try:
        return bool(folder.config().get("identity") == identity)
    except DamagedRunError as error:
        raise DamagedRunError(
            error.message, "Restore the file, or train again without --resume."
        ) from error
