# SPDX-License-Identifier: MIT
"""The loggers of a run: they hear what its records hold, whether it begins or goes on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ganbench import registry
from ganbench.errors import GanbenchError, MissingDataError, error_text
from ganbench.progress import Progress
from ganbench.records.json_values import as_mapping, as_number
from ganbench.records.run_folder import RunFolder
from ganbench.run_logger import LoggedRun, RunLogger


def logger_classes(names: Sequence[str]) -> list[type[RunLogger]]:
    """Return the classes of loggers, after a check that what they import is installed.

    Args:
        names: Registered names, or ``./file.py``; a name counts once.

    Raises:
        UnknownNameError: There is no logger of a name.
        MissingDataError: A package is not installed; the hint installs it.
    """
    classes: list[type[RunLogger]] = [registry.loggers.get(name) for name in dict.fromkeys(names)]
    for name, logger in zip(dict.fromkeys(names), classes, strict=True):
        for package in logger.packages:
            if find_spec(package) is None:
                raise MissingDataError(
                    f"The logger {name} needs {package}, which is not installed.", logger.install
                )
    return classes


class RunLogs(Progress):
    """Passes on all that it is told, and hands numbers and pictures to loggers.

    A logger that fails is left out from then on, and a sentence says so: training goes on.

    Args:
        progress: What it passes everything on to.
        names: The loggers.
    """

    def __init__(self, progress: Progress, names: Sequence[str]) -> None:
        self._progress = progress
        self._classes = logger_classes(names)
        self._loggers: list[RunLogger] = []
        self._images = -1
        self._seconds = 0.0
        self._pictured = -1

    @contextmanager
    def listening(self, folder: RunFolder | None) -> Iterator[None]:
        """Log what happens to a run meanwhile; without a folder, nothing is logged.

        The loggers are told of the end even where an error, or an interruption, is the end.

        Raises:
            GanbenchError: A logger cannot be made.
        """
        try:
            if folder is not None:
                self._begin(folder)
            yield
        finally:
            self.end("interrupted", {})

    def write(self, folder: RunFolder) -> None:
        """Log a run that is over, from its records.

        Raises:
            GanbenchError: A logger cannot be made.
        """
        with self.listening(folder):
            outcome = folder.outcome()
            self.end(str(outcome["status"]), as_mapping(outcome["metrics"]))

    def _begin(self, folder: RunFolder) -> None:
        """Make the loggers, and hand them everything that the records of the run hold.

        Args:
            folder: The folder of the run, whose rows after the checkpoint have been dropped.

        Raises:
            GanbenchError: A logger cannot be made.
        """
        if not self._classes:
            return
        document = folder.config()
        began = folder.config_file.stat().st_mtime
        key = hashlib.sha256(f"{document.get('identity')} {began}".encode()).hexdigest()[:16]
        run = LoggedRun(folder.path, key, began, as_mapping(document.get("config")))
        for logger in self._classes:
            try:
                self._loggers.append(logger(run))
            except Exception as error:
                name = registry.name_of(logger)
                raise GanbenchError(
                    f"The logger {name} did not begin: {error_text(error)}."
                ) from error
        self._replay(folder)

    def _replay(self, folder: RunFolder) -> None:
        """Hand on the rows and grids that an earlier command has recorded, in their order."""
        grids = {file.stem: file for file in folder.sample_grids()}
        ticks = folder.stats()
        last_of_grid = {_grid_name(row["kimg"]): row for row in ticks}
        steps: list[tuple[float, Callable[[], None]]] = []
        for row in ticks:
            steps.append((row["kimg"], partial(self._log_tick, row)))
            name = _grid_name(row["kimg"])
            if name in grids and last_of_grid[name] is row:
                steps.append((row["kimg"], partial(self._log_grid, row, grids[name])))
        for row in folder.measurements():
            steps.append((row["kimg"], partial(self._log_metrics, row)))
        for _, hand_on in sorted(steps, key=lambda step: step[0]):
            hand_on()
        if folder.finished and ticks and "final" in grids:
            self._log_grid(ticks[-1], grids["final"])

    def _log_tick(self, row: Mapping[str, Any]) -> None:
        self._log(row["kimg"], row.get("seconds"), row)

    def _log_grid(self, row: Mapping[str, Any], file: Path) -> None:
        self.pictured(row["kimg"], as_number(row.get("seconds")) or 0.0, file)

    def _log_metrics(self, row: Mapping[str, Any]) -> None:
        self._log(row["kimg"], row.get("seconds"), measured_numbers(row.get("metrics")))

    def tick(self, row: Mapping[str, Any], share: float, seconds_left: float) -> None:
        """Pass on the statistics of a tick, and log them."""
        self._progress.tick(row, share, seconds_left)
        self._log_tick(row)

    def measured(self, kimg: float, metrics: Mapping[str, Any]) -> None:
        """Pass on a measurement during training, and log it."""
        self._progress.measured(kimg, metrics)
        self._log(kimg, None, measured_numbers(metrics))

    def advance(self, work: str, done: int, total: int) -> None:
        """Pass on how far some work is."""
        self._progress.advance(work, done, total)

    def say(self, sentence: str) -> None:
        """Pass on what is being done now."""
        self._progress.say(sentence)

    def pictured(self, kimg: float, seconds: float, file: Path) -> None:
        """Log a grid of samples, unless the grid of this moment was logged already."""
        images = round(1000 * kimg)
        if images == self._pictured:
            return
        self._pictured = images
        self._each(lambda logger: logger.picture(images, seconds, file))

    def measured_last(self, kimg: float, seconds: float, metrics: Mapping[str, Any]) -> None:
        """Log the measurement at the end."""
        self._log(kimg, seconds, measured_numbers(metrics))

    def end(self, status: str, metrics: Mapping[str, Any]) -> None:
        """Tell the loggers, once, how the run ended.

        Args:
            status: ``done``, ``collapsed``, ``diverged`` or ``interrupted``.
            metrics: The last measurements as they are recorded, by name.
        """
        numbers = measured_numbers(metrics)
        last = {name: value for name, value in numbers.items() if name.startswith("metrics/")}
        self._each(lambda logger: logger.end(status, last))
        self._loggers = []

    def _log(self, kimg: float, seconds: object, values: Mapping[str, Any]) -> None:
        """Hand finite numbers to the loggers; ``seconds`` is None for the time of the last row."""
        known = as_number(seconds)
        self._seconds = self._seconds if known is None else known
        numbers = {name: as_number(value) for name, value in values.items()}
        finite = {name: value for name, value in numbers.items() if value is not None}
        if finite:
            images = round(1000 * kimg)
            self._each(lambda logger: logger.values(images, self._seconds, finite))

    def _each(self, tell: Callable[[RunLogger], None]) -> None:
        """Tell every logger; one that fails is left out from then on."""
        for logger in list(self._loggers):
            try:
                tell(logger)
            except Exception as error:  # noqa: BLE001 - a logger must not end a training
                self._loggers.remove(logger)
                name = registry.name_of(type(logger))
                self._progress.say(
                    f"Logging to {name} has ended: {error_text(error)}. Training goes on, and "
                    "--resume writes everything again."
                )


def measured_numbers(metrics: object) -> dict[str, Any]:
    """Return measurements as loggers name them: the value and the ends of its interval.

    >>> measured_numbers({"fid": {"value": 2.0, "low": 1.5, "high": 2.5}})
    {'metrics/fid': 2.0, 'interval/low/fid': 1.5, 'interval/high/fid': 2.5}
    """
    numbers: dict[str, Any] = {}
    for name, record in as_mapping(metrics).items():
        measurement = as_mapping(record)
        numbers[f"metrics/{name}"] = measurement.get("value")
        for end in ("low", "high"):
            if measurement.get(end) is not None:
                numbers[f"interval/{end}/{name}"] = measurement[end]
    return numbers


def _grid_name(kimg: float) -> str:
    """Return the name of the grid that is drawn at some kimg."""
    return f"kimg{kimg:08.1f}"
