# SPDX-License-Identifier: MIT
"""Who writes to a folder: locks that the system releases however the process ends.

A lock holds on all machines that share the folder, as far as their file system supports it.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from ganbench import paths
from ganbench.config import digest
from ganbench.errors import DamagedRunError, GanbenchError
from ganbench.records.atomic_files import read_json, storage_errors, write_json
from ganbench.records.json_values import as_text, as_whole
from ganbench.records.run_folder import RunFolder

LOCK = ".lock"
"""The file in the folder of a run that is locked by whoever writes there; it stays."""

HOLDER = ".lock.json"
"""The file next to the lock that says who holds it; it goes when the lock is released."""

RUN_WAIT_SECONDS = 0.2
"""How long a command waits for the folder of a run: ``is_taken`` locks it for a moment."""

OUTPUT_WAIT_SECONDS = 60.0
"""How long a command waits for another one that writes into the same folder of results."""


class TakenError(GanbenchError):
    """Another process writes to the folder right now."""

    kind = "taken"


@contextmanager
def holding(folder: Path) -> Iterator[None]:
    """Hold the folder of a run, which must exist, so that no other process writes to it.

    Raises:
        TakenError: another process holds it; the message says which.
        StorageError: the folder cannot be written.
    """
    with _holding(folder, folder / LOCK, folder / HOLDER, RUN_WAIT_SECONDS):
        yield


@contextmanager
def holding_run(
    folder: RunFolder, next_folder: Callable[[], RunFolder], *, resume: bool
) -> Iterator[RunFolder]:
    """Make the folder of a run, or take the one to resume, and hold it.

    A new run never shares a folder: if another process has made it meanwhile, it takes the next.

    Args:
        folder: the folder that the run is to have.
        next_folder: returns a folder that does not exist yet.
        resume: whether the folder may exist.

    Raises:
        TakenError: another process carries out the run that is to be resumed.
        StorageError: the folder cannot be made.
    """
    with ExitStack() as stack:
        while True:
            try:
                _make(folder.path, may_exist=resume)
                stack.enter_context(holding(folder.path))
                break
            except (FileExistsError, TakenError):
                if resume:
                    raise
                folder = next_folder()
        yield folder


def _make(folder: Path, *, may_exist: bool) -> None:
    """Make a folder.

    Raises:
        FileExistsError: it exists, and must not.
    """
    with storage_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            folder.mkdir(exist_ok=may_exist)
            return
        except FileExistsError:
            if may_exist:
                raise
    raise FileExistsError(folder)


@contextmanager
def holding_output(folder: Path) -> Iterator[None]:
    """Hold a folder of results, such as a report, without leaving a file in it.

    A command that writes into the same folder on this machine is waited for, since it takes
    seconds.

    Raises:
        TakenError: the other process takes longer than ``OUTPUT_WAIT_SECONDS``.
    """
    locks = paths.cache() / "locks"
    stem = digest({"folder": str(folder.absolute().resolve())})
    with storage_errors(locks):
        locks.mkdir(parents=True, exist_ok=True)
    with _holding(folder, locks / f"{stem}.lock", locks / f"{stem}.json", OUTPUT_WAIT_SECONDS):
        yield


def is_taken(folder: Path) -> bool:
    """Tell whether a process, here or on another machine, holds the folder of a run right now."""
    if not (folder / LOCK).exists():
        return False
    try:
        with FileLock(folder / LOCK, timeout=0):
            return False
    except Timeout:
        return True


@contextmanager
def _holding(folder: Path, lock_file: Path, holder_file: Path, seconds: float) -> Iterator[None]:
    lock = FileLock(lock_file, timeout=seconds)
    with storage_errors(folder):
        try:
            lock.acquire()
        except Timeout as error:
            raise TakenError(
                f"{folder} is being written by {_holder(holder_file)}.",
                "Wait until it has ended, or name another folder with --out.",
            ) from error
    try:
        write_json(
            holder_file,
            {
                "process": os.getpid(),
                "machine": socket.gethostname(),
                "began": datetime.now().astimezone().isoformat(" ", "seconds"),
            },
        )
        yield
    finally:
        holder_file.unlink(missing_ok=True)
        lock.release()


def _holder(file: Path) -> str:
    """Return in words who holds a lock."""
    try:
        record = read_json(file)
    except DamagedRunError:  # it has just taken the lock, or is about to release it
        return "another process"
    process, machine = as_whole(record.get("process")), as_text(record.get("machine"))
    return f"process {process} on {machine}, which began at {as_text(record.get('began'))}"
