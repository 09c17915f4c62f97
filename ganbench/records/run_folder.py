# SPDX-License-Identifier: MIT
"""A run on disk: a folder of plain files, of which ``result.json`` is written last.

    config.json    {"schema", "identity", "config": RunConfig, "options": {...}, "ganbench"}
    env.json       the machine, the versions, the threads
    stats.jsonl    one row a tick: kimg, seconds, images_per_second, loss/..., logits/...
    metrics.jsonl  one row an evaluation: kimg, seconds, metrics {name: measurement}
    samples/*.png  the same latents at each snapshot, ``kimg00123.png``; final.png
    checkpoint.safetensors   all that training needs to go on
    generator.safetensors    what sampling needs
    result.json    {"schema", "status", "identity", "model", "dataset", "seed", "kimg",
                   "seconds", "images_per_second", "metrics", ...}
    failure.json   {"schema", "status": "failed" or "timeout", "error", ...} where a run came to
                   no result

A measurement is {"value", "low", "high", "n", "floor", "bias", "protocol", "better", "unit",
"note", "warning"}.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganbench.config import RunConfig, validate
from ganbench.errors import ConfigError, DamagedRunError, InputError
from ganbench.records.atomic_files import (
    append_line,
    read_json,
    read_lines,
    storage_errors,
    write_json,
    write_lines,
)

RUN_SCHEMA = 1
STATUSES = ("done", "diverged", "collapsed", "interrupted", "failed", "timeout", "running")
FAILURES = ("failed", "timeout")
"""The statuses that failure.json may hold."""
OUTCOME = (
    "status",
    "identity",
    "model",
    "dataset",
    "seed",
    "kimg",
    "seconds",
    "images_per_second",
    "metrics",
)
"""What every result.json holds."""


@dataclass(frozen=True)
class RunFolder:
    """The files of one run."""

    path: Path

    @property
    def config_file(self) -> Path:
        """What the run is."""
        return self.path / "config.json"

    @property
    def environment_file(self) -> Path:
        """What it ran on."""
        return self.path / "env.json"

    @property
    def stats_file(self) -> Path:
        """What was seen at each tick."""
        return self.path / "stats.jsonl"

    @property
    def metrics_file(self) -> Path:
        """What was measured along the way."""
        return self.path / "metrics.jsonl"

    @property
    def result_file(self) -> Path:
        """What came out; there only once the run is over."""
        return self.path / "result.json"

    @property
    def failure_file(self) -> Path:
        """Why nothing came out; there only where a run failed or ran out of time."""
        return self.path / "failure.json"

    @property
    def checkpoint_file(self) -> Path:
        """What training needs to go on."""
        return self.path / "checkpoint.safetensors"

    @property
    def generator_file(self) -> Path:
        """What sampling needs."""
        return self.path / "generator.safetensors"

    @property
    def samples_folder(self) -> Path:
        """The sample grids."""
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
        """Return what the run is, validated.

        Raises:
            DamagedRunError: config.json is damaged, or is not that of a run.
        """
        values = self.config().get("config")
        try:
            return validate(RunConfig, values if isinstance(values, dict) else {})
        except ConfigError as error:
            raise DamagedRunError(
                f"{self.config_file} describes no run: {error.message}", "Restore the file."
            ) from error

    def outcome(self) -> dict[str, Any]:
        """Return result.json, whole.

        Raises:
            DamagedRunError: it is damaged.
        """
        return whole_result(self.result_file)

    def stats(self) -> list[dict[str, Any]]:
        """Return the rows of stats.jsonl."""
        return read_lines(self.stats_file)

    def measurements(self) -> list[dict[str, Any]]:
        """Return the rows of metrics.jsonl."""
        return read_lines(self.metrics_file)

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
        """Add one tick."""
        append_line(self.stats_file, row)

    def append_measurements(self, row: Mapping[str, Any]) -> None:
        """Add one evaluation; one at the same point, from before a crash, gives way."""
        rows = self.measurements()
        others = [other for other in rows if other.get("kimg") != row["kimg"]]
        if len(others) < len(rows):
            write_lines(self.metrics_file, [*others, row])
        else:
            append_line(self.metrics_file, row)

    def forget_after(self, kimg: float) -> None:
        """Drop the rows that a resumed run will write again."""
        for file in (self.stats_file, self.metrics_file):
            if file.is_file():
                rows = [row for row in read_lines(file) if "kimg" in row]
                write_lines(file, [row for row in rows if row["kimg"] <= kimg])

    def sample_grids(self) -> list[Path]:
        """Return the sample grids, oldest first; final.png last."""
        return sorted(
            self.samples_folder.glob("*.png"), key=lambda path: (path.stem == "final", path.stem)
        )


def whole_result(file: Path | str) -> dict[str, Any]:
    """Return what a result.json says, whole.

    Raises:
        DamagedRunError: it is damaged.
    """
    hint = "Delete it, then repeat the command with --resume to measure anew."
    try:
        result = read_json(file)
    except DamagedRunError as error:
        raise DamagedRunError(error.message, hint) from error
    if missing := [key for key in OUTCOME if key not in result]:
        raise DamagedRunError(f"{file} is damaged: no '{missing[0]}'.", hint)
    return result


def open_run(path: Path) -> RunFolder:
    """Return the run in a folder.

    Raises:
        InputError: the folder holds no run.
    """
    folder = RunFolder(path)
    if not folder.config_file.is_file():
        raise InputError(
            f"{path} holds no run: there is no config.json.", "Train one with ganbench run."
        )
    return folder


def find_runs(root: Path) -> Iterator[RunFolder]:
    """Yield every run at or below a folder, in the order of their names."""
    found = []
    for place, folders, files in os.walk(root):
        if "config.json" in files:
            found.append(Path(place))
            # Of thousands of runs, the pictures are most of what there is to walk through.
            folders[:] = [name for name in folders if name != "samples"]
    yield from map(RunFolder, sorted(found))


def name_folder(root: Path, stem: str, identity: str, *, resume: bool) -> RunFolder:
    """Return the folder for a run: ``stem-identity``, numbered where that one is taken.

    With ``resume`` it is the latest unfinished run of the same identity, else the latest
    finished one, else a new folder.

    Raises:
        StorageError: the folder cannot be looked into.
        DamagedRunError: the configuration of a run that might be resumed is damaged.
    """
    base = f"{stem}-{identity[:8]}"
    names = itertools.chain([base], (f"{base}-{number}" for number in itertools.count(2)))
    folders = (RunFolder(root / name) for name in names)
    same: list[RunFolder] = []
    with storage_errors(root):
        for folder in folders:
            if not folder.path.exists():
                break
            if resume and _same_identity(folder, identity):
                same.append(folder)
    unfinished = [one for one in same if not one.finished]
    return (unfinished or same or [folder])[-1]


def _same_identity(folder: RunFolder, identity: str) -> bool:
    """Tell whether a folder holds the same run, or was made for it and never begun."""
    if not folder.config_file.is_file():
        return True
    try:
        return bool(folder.config().get("identity") == identity)
    except DamagedRunError as error:
        raise DamagedRunError(
            error.message, "Restore the file, or train without --resume."
        ) from error
