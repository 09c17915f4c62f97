# SPDX-License-Identifier: MIT
"""One cell of a matrix: from the files stored for it to its result, next to other processes.

A cell goes through three forms. ``Stored`` is what is on disk. ``CellJob`` is the cell as it is
handed to a process. ``Outcome`` is how that process's attempt ended.

A cell is carried out in its own process, under a lock that the system releases however the process
ends. Any number of commands, on any number of machines that share the folder, can therefore divide
a matrix among themselves; if a process is killed, the next one continues from what it left.
"""

from __future__ import annotations

import os
import shutil
import signal
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from ganbench.config import RunConfig
from ganbench.errors import (
    DamagedRunError,
    DeviceError,
    GanbenchError,
    MemoryShortageError,
    MissingDataError,
    StorageError,
    UnreadableRunError,
)
from ganbench.harness.matrix import Cell
from ganbench.harness.plan import RunPlan, plan_of
from ganbench.harness.run import Run
from ganbench.harness.run_metrics import WantedMetrics, missing_metrics, wanted_metrics
from ganbench.harness.run_options import RunOptions
from ganbench.harness.stored_run import measure_again
from ganbench.records.atomic_files import storage_errors, write_json
from ganbench.records.json_values import as_mapping
from ganbench.records.locks import HOLDER, LOCK, TakenError, holding
from ganbench.records.run_folder import FAILURES, RunFolder, read_failure, whole_result
from ganbench.records.strip_paths import strip_paths
from ganbench.training.checkpoint import is_damaged

_FAULTS_OF_THE_MACHINE = (
    DeviceError,
    MemoryShortageError,
    MissingDataError,
    StorageError,
    UnreadableRunError,
)
"""What says nothing about a cell: another machine, or this one later, may carry it out."""

DIED = "died"
"""The status of an attempt whose process ended without an answer, such as one that was killed."""


@dataclass(frozen=True)
class Stored:
    """What is on disk for a cell.

    ``status`` is the status of its result, ``failed`` or ``timeout`` if an attempt ended that way,
    otherwise ``waiting``.
    """

    status: str = "waiting"
    result: dict[str, Any] = field(default_factory=dict)
    missing_metrics: tuple[str, ...] = ()
    """The names of requested metrics that the result lacks."""
    problem: str = ""
    """Why there is no result, in a sentence."""

    @property
    def whole(self) -> bool:
        """Whether there is a result with all requested metrics."""
        return bool(self.result) and not self.missing_metrics

    @property
    def failed(self) -> bool:
        """Whether an attempt failed or took too long, and there is no result."""
        return not self.result and self.status in FAILURES


@dataclass(frozen=True)
class CellJob:
    """A cell as it is handed to a process: plain data only."""

    config: RunConfig
    name: str
    """The name of the cell's folder."""
    options: RunOptions
    force: bool = False
    """Delete what is stored, and train again."""
    working_folder: str = ""
    """The folder that paths of models and data are relative to; empty for the current one."""

    @property
    def folder(self) -> RunFolder:
        """The folder of the cell."""
        return RunFolder(self.options.out / self.name)

    @cached_property
    def plan(self) -> RunPlan:
        """The plan of the run, resolved once in the process that carries it out."""
        return plan_of(self.config, self.options.open(self.config.dataset))


@dataclass(frozen=True)
class Outcome:
    """How an attempt at a cell ended.

    ``status`` is the status of its result, ``failed``, ``interrupted``, or ``elsewhere`` if another
    process is working on it.
    """

    status: str
    problem: str = ""
    """What went wrong, in a sentence."""
    lasting: bool = True
    """Whether a failure is on disk and not retried unless requested. A failure of the machine,
    such as a full disk, is retried."""


def look_up(cell: Cell, out: Path | str, wanted: WantedMetrics) -> Stored:
    """Return what is stored for a cell; damaged files count as missing.

    Args:
        cell: The cell.
        out: The folder of runs.
        wanted: The metrics that the result must have.
    """
    folder = f"{out}/{cell.name}"  # ten thousand paths as objects would cost half a second
    try:
        result = whole_result(f"{folder}/result.json")
        if result["identity"] == cell.identity:
            missing = tuple(missing_metrics(result, wanted))
            return Stored(str(result["status"]), result, missing)
    except DamagedRunError:
        pass
    try:
        failure = read_failure(f"{folder}/failure.json")
    except DamagedRunError:
        return Stored()
    return Stored(failure.status, problem=failure.reason)


def run_cell(job: CellJob) -> Outcome:
    """Bring a cell to its result, and store the result, or the reason why there is none.

    A finished cell that lacks metrics is measured, not trained; an interrupted one continues from
    its checkpoint; a damaged file is made again. A file that this machine fails to read, and a
    result whose checkpoint does not fit this version, are left as they are.
    """
    folder = job.folder
    try:
        _enter(job.working_folder)
        with storage_errors(folder.path):
            folder.path.mkdir(parents=True, exist_ok=True)
        with holding(folder.path):
            return Outcome(_carry_out(job, folder))
    except TakenError:
        return Outcome("elsewhere")
    except _FAULTS_OF_THE_MACHINE as error:
        return Outcome("failed", f"{error.message} {error.hint}".strip(), lasting=False)
    except (OSError, MemoryError, torch.OutOfMemoryError) as error:
        # The machine is at fault, not the cell: another attempt may succeed.
        return Outcome("failed", strip_paths(f"{type(error).__name__}: {error}"), lasting=False)
    # Whatever a model's code raises is its result, and so is that it ends the process.
    except (Exception, SystemExit) as error:  # noqa: BLE001
        if _has_result(
            folder
        ):  # a metric failed, which takes nothing from the result that is there
            return Outcome("failed", _sentence(error), lasting=False)
        return _store_failure(folder, error)


def _enter(working_folder: str) -> None:
    """Enter the folder that paths of models and data are relative to.

    Raises:
        StorageError: It is gone, or may not be entered.
    """
    if not working_folder:
        return
    try:
        if working_folder != os.getcwd():  # which may be gone as well
            os.chdir(working_folder)
    except OSError as error:
        raise StorageError(
            f"The folder {Path(working_folder).name}, which paths of models and data are relative "
            f"to, cannot be entered: {error.strerror}.",
            "Start the command in a folder that is there on every machine.",
        ) from error


def _carry_out(job: CellJob, folder: RunFolder) -> str:
    """Train or measure a cell, whichever it needs; return the status of its result."""
    if job.force:
        _empty(folder)
    _repair(job, folder)
    wanted = wanted_metrics(job.plan.source, job.options.metrics, job.options.measuring)
    if folder.finished:
        result = folder.outcome()
        missing = missing_metrics(result, wanted)
        status = _measure(job, folder, missing) if missing else str(result["status"])
    else:
        status = _train(job, folder)
    with storage_errors(folder.path):
        folder.failure_file.unlink(missing_ok=True)
    return status


def _train(job: CellJob, folder: RunFolder) -> str:
    """Train, from the checkpoint if there is an intact one; return the status of the result."""
    run = _run(job, folder)
    with _stopped_by_signals(lambda: run.stop()):
        try:
            return str(run.execute()["status"])
        except UnreadableRunError:
            raise
        except DamagedRunError:
            if not folder.checkpoint_file.exists():
                raise
        with storage_errors(folder.path):
            folder.checkpoint_file.unlink()
        stop_requested, run = run.stop_requested, _run(job, folder)
        run.stop_requested = stop_requested
        return str(run.execute()["status"])


def _run(job: CellJob, folder: RunFolder) -> Run:
    """Return the run of a cell, in the cell's own folder."""
    return Run(job.plan, replace(job.options, resume=True), folder=folder)


def _measure(job: CellJob, folder: RunFolder, missing: Sequence[str]) -> str:
    """Add metrics to a finished cell, and return its status.

    If its checkpoint is missing or damaged, the cell is trained again instead, with all metrics
    that it had.

    Raises:
        DamagedRunError: The checkpoint is whole, and does not fit the run; the result stays.
    """
    try:
        result = measure_again(
            job.plan,
            folder,
            missing,
            device=job.options.device,
            threads=job.options.threads,
            measuring=job.options.measuring,
        )
        return str(result["status"])
    except DamagedRunError:
        if not is_damaged(folder.checkpoint_file):
            raise
    earlier = folder.outcome()
    names = [*earlier["metrics"], *as_mapping(earlier.get("unmeasured")), *missing]
    metrics = tuple(name for name in dict.fromkeys(names) if _can_be_measured(job, name))
    _empty(folder)
    return _train(replace(job, options=replace(job.options, metrics=metrics)), folder)


def _can_be_measured(job: CellJob, metric: str) -> bool:
    """Tell whether this version, on this machine, knows how to measure a metric."""
    try:
        return bool(wanted_metrics(job.plan.source, [metric], job.options.measuring).names)
    except GanbenchError:
        return False


def _repair(job: CellJob, folder: RunFolder) -> None:
    """Write a damaged config.json again, and delete a damaged result, which is then made again.

    The result that is made has the metrics of this command; which others a damaged one had is
    not known.

    Raises:
        DamagedRunError: The folder holds another run.
        UnreadableRunError: This machine fails to read a file.
    """
    try:
        identity = folder.config().get("identity")
    except UnreadableRunError:
        raise
    except DamagedRunError:
        folder.config_file.unlink(missing_ok=True)
        identity = None
    if identity not in {None, job.config.identity}:
        raise DamagedRunError(f"{folder.path} holds another run.", "Move it away.")
    begun = folder.checkpoint_file.exists() or folder.finished
    with storage_errors(folder.path):
        if identity is None and begun:
            record = _run(job, folder).record(job.options.threads, job.options.device)
            folder.write_config(record)
        try:
            if folder.finished:
                folder.outcome()
        except UnreadableRunError:
            raise
        except DamagedRunError:
            folder.result_file.unlink(missing_ok=True)


def _empty(folder: RunFolder) -> None:
    """Delete everything in the folder of a cell except the lock, which is held."""
    with storage_errors(folder.path):
        for path in folder.path.iterdir():
            if path.name in {LOCK, HOLDER}:
                continue
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _has_result(folder: RunFolder) -> bool:
    """Tell whether a cell has a result that can be read."""
    try:
        return bool(folder.outcome())
    except DamagedRunError:
        return False


def _sentence(error: BaseException) -> str:
    """Return what went wrong in a sentence that names no place on this machine."""
    if isinstance(error, GanbenchError):
        return strip_paths(error.message)
    return strip_paths(f"{type(error).__name__}: {error}")


def _store_failure(folder: RunFolder, error: BaseException) -> Outcome:
    """Store why a cell has no result, and return that as its outcome."""
    sentence = _sentence(error)
    details = "".join(traceback.format_exception(error))
    try:
        write_failure(folder, "failed", sentence, details)
    except StorageError as storage_error:
        return Outcome("failed", f"{sentence} {storage_error.message}", lasting=False)
    return Outcome("failed", sentence)


def write_failure(folder: RunFolder, status: str, problem: str, details: str = "") -> None:
    """Write failure.json: why a cell has no result, until it is tried again.

    Args:
        folder: The folder of the cell.
        status: ``failed`` or ``timeout``.
        problem: What went wrong, in a sentence.
        details: The traceback, if there is one.

    Raises:
        StorageError: The folder cannot be written, or the disk is full.
    """
    write_json(
        folder.failure_file,
        {
            "schema": 1,
            "status": status,
            "error": strip_paths(problem),
            "traceback": strip_paths(details).splitlines(),
        },
    )


@contextmanager
def _stopped_by_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Let SIGINT and SIGTERM end the run in order, with a checkpoint."""
    try:
        previous = {
            number: signal.signal(number, lambda number, frame: stop())
            for number in (signal.SIGINT, signal.SIGTERM)
        }
    except ValueError:  # not the main thread: its owner handles signals there
        previous = {}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
