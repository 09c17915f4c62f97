# SPDX-License-Identifier: MIT
"""One cell of a matrix, from what is stored of it to its result, whoever else is at work on it.

A cell is carried out in a process of its own, under a lock that the system releases however the
process ends. So any number of commands, on any number of machines that share the folder, divide
a matrix among themselves; what a killed process has left is taken up by the next.
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
from filelock import FileLock, Timeout

from ganbench.config import RunConfig
from ganbench.errors import DamagedRunError, GanbenchError, MissingDataError, StorageError
from ganbench.evaluation.requests import Request
from ganbench.harness.matrix import Cell
from ganbench.harness.plan import RunPlan, plan_of
from ganbench.harness.run import Run, RunOptions, load_state
from ganbench.harness.run_metrics import RunMetrics, add_metrics, lacking, wanted_metrics
from ganbench.progress import SILENT
from ganbench.records.atomic_files import read_json, storage_errors, write_json
from ganbench.records.run_folder import RunFolder, whole_result
from ganbench.records.strip_paths import strip_paths
from ganbench.runtime.device import choose_device
from ganbench.runtime.threads import set_threads

LOCK = ".lock"
DIED = "died"
"""The status of an attempt whose process ended without a word, as one that was killed does."""


@dataclass(frozen=True)
class Stored:
    """What is on disk of a cell.

    ``status`` is that of its result, ``failed`` or ``timeout`` where an attempt ended so, else
    ``waiting``. ``lacking`` are the metrics that are wanted and not in the result.
    """

    status: str = "waiting"
    result: dict[str, Any] = field(default_factory=dict)
    lacking: tuple[str, ...] = ()
    problem: str = ""

    @property
    def whole(self) -> bool:
        """Whether there is a result with all that is wanted."""
        return bool(self.result) and not self.lacking


@dataclass(frozen=True)
class CellJob:
    """A cell as it is handed to a process: nothing in it but plain data."""

    config: RunConfig
    name: str
    options: RunOptions
    force: bool = False
    working_folder: str = ""

    @property
    def folder(self) -> RunFolder:
        """Where the cell is stored."""
        return RunFolder(self.options.out / self.name)

    @cached_property
    def plan(self) -> RunPlan:
        """What the cell's configuration stands for, resolved once in the process that runs it."""
        return plan_of(self.config, self.options.open(self.config.dataset))


@dataclass(frozen=True)
class Outcome:
    """How an attempt at a cell ended.

    ``status`` is that of its result, or ``failed``, ``interrupted``, or ``elsewhere`` where
    another process is at work on it. ``lasting`` failures are on disk, and are not tried again
    unless that is asked for; those of the machine, such as a full disk, are.
    """

    status: str
    problem: str = ""
    lasting: bool = True


def look_up(cell: Cell, out: Path | str, requests: Sequence[Request]) -> Stored:
    """Return what is stored of a cell; what is damaged counts as not there."""
    folder = f"{out}/{cell.name}"  # ten thousand paths as objects would cost half a second
    try:
        result = whole_result(f"{folder}/result.json")
        if result["identity"] == cell.identity:
            return Stored(str(result["status"]), result, tuple(lacking(result, requests)))
    except DamagedRunError:
        pass
    try:
        failure = read_json(f"{folder}/failure.json")
    except DamagedRunError:
        return Stored()
    return Stored(str(failure.get("status")), problem=str(failure.get("error")))


def is_taken(folder: RunFolder) -> bool:
    """Tell whether a process, here or on another machine, is at work on a cell right now."""
    if not (folder.path / LOCK).exists():
        return False
    try:
        with FileLock(folder.path / LOCK, timeout=0):
            return False
    except Timeout:
        return True


def run_cell(task: CellJob) -> Outcome:
    """Bring a cell to its result, and store that, or what went wrong.

    A finished cell that lacks metrics is measured, not trained; one that was interrupted goes on
    from its checkpoint; a damaged file is made anew.
    """
    if task.working_folder and task.working_folder != str(Path.cwd()):
        os.chdir(task.working_folder)  # where the user named files of models and data
    folder = task.folder
    try:
        with storage_errors(folder.path):
            folder.path.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.path / LOCK, timeout=0):
            return _carry_out(task, folder)
    except Timeout:
        return Outcome("elsewhere")
    except (StorageError, MissingDataError) as error:
        return Outcome("failed", f"{error.message} {error.hint}".strip(), lasting=False)
    except (OSError, MemoryError, torch.OutOfMemoryError) as error:
        # The machine's doing, not the cell's: another time, or elsewhere, it may go well.
        return Outcome("failed", strip_paths(f"{type(error).__name__}: {error}"), lasting=False)
    except Exception as error:  # noqa: BLE001 - whatever a model's code raises is its result
        return _failed(folder, "failed", error)


def _carry_out(task: CellJob, folder: RunFolder) -> Outcome:
    if task.force:
        _forget(folder)
    _mend(task, folder)
    requests = wanted_metrics(task.plan.source.spec, task.options.metrics)
    if folder.finished:
        result = folder.outcome()
        missing = lacking(result, requests)
        status = _measure(task, folder, missing) if missing else result["status"]
    else:
        status = _train(task, folder)
    with storage_errors(folder.path):
        folder.failure_file.unlink(missing_ok=True)
    return Outcome(str(status))


def _train(task: CellJob, folder: RunFolder) -> str:
    """Train, from the checkpoint if there is a sound one."""
    run = _run(task, folder)
    with _stopped_by_signals(lambda: run.stop()):
        try:
            return str(run.execute()["status"])
        except DamagedRunError:
            if not folder.checkpoint_file.exists():
                raise
        with storage_errors(folder.path):
            folder.checkpoint_file.unlink()
        stopped, run = run.stop_requested, _run(task, folder)
        run.stop_requested = stopped
        return str(run.execute()["status"])


def _run(task: CellJob, folder: RunFolder) -> Run:
    """Return the run of a cell, in the cell's own folder."""
    return Run(task.plan, replace(task.options, resume=True), folder=folder)


def _measure(task: CellJob, folder: RunFolder, missing: Sequence[str]) -> str:
    """Add metrics to a finished cell; with a damaged checkpoint it is trained again first."""
    device = choose_device(task.options.device)
    set_threads(task.options.threads)
    try:
        state = load_state(task.plan, folder, device)
    except DamagedRunError:
        _forget(folder)
        return _train(task, folder)
    source = task.plan.source
    measure = RunMetrics(
        source.load(source.splits[0]),
        seed=task.config.seed,
        device=str(device),
        metrics=list(missing),
        samples=task.options.samples,
        progress=SILENT,
    )
    return str(add_metrics(folder, state, measure)["status"])


def _mend(task: CellJob, folder: RunFolder) -> None:
    """Make damaged records anew: of the task, of the checkpoint, or of nothing.

    Raises:
        DamagedRunError: the folder holds another run.
    """
    try:
        found = folder.config().get("identity")
    except DamagedRunError:
        folder.config_file.unlink(missing_ok=True)
        found = None
    if found not in {None, task.config.identity}:
        raise DamagedRunError(f"{folder.path} holds another run.", "Move it away.")
    begun = folder.checkpoint_file.exists() or folder.finished
    with storage_errors(folder.path):
        if found is None and begun:
            record = _run(task, folder).record(task.options.threads, task.options.device)
            folder.write_config(record)
        try:
            if folder.finished:
                folder.outcome()
        except DamagedRunError:
            folder.result_file.unlink(missing_ok=True)


def _forget(folder: RunFolder) -> None:
    """Empty the folder of a cell, but for the lock that is held."""
    with storage_errors(folder.path):
        for path in folder.path.iterdir():
            if path.name == LOCK:
                continue
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _failed(folder: RunFolder, status: str, error: Exception) -> Outcome:
    """Store why a cell has no result."""
    sentence = (
        error.message if isinstance(error, GanbenchError) else f"{type(error).__name__}: {error}"
    )
    lines = "".join(traceback.format_exception(error))
    try:
        write_failure(folder, status, sentence, lines)
    except StorageError as storage:
        return Outcome("failed", f"{sentence} {storage.message}", lasting=False)
    return Outcome(status, strip_paths(sentence))


def write_failure(folder: RunFolder, status: str, problem: str, details: str = "") -> None:
    """Write failure.json: why a cell has no result, until it is tried again."""
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
        kept = {
            one: signal.signal(one, lambda number, frame: stop())
            for one in (signal.SIGINT, signal.SIGTERM)
        }
    except ValueError:  # not the main thread: whoever runs it there has signals of its own
        kept = {}
    try:
        yield
    finally:
        for one, handler in kept.items():
            signal.signal(one, handler)
