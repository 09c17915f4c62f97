# SPDX-License-Identifier: MIT
"""Backends that carry out cells: this process, processes of this machine, or a Ray cluster."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Collection, Iterator
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Protocol

import torch

from ganbench.errors import ConfigError, MissingDataError, suggest
from ganbench.harness.run_cell import DIED, CellJob, Outcome, run_cell
from ganbench.runtime.child_process import describe_exit

BACKENDS = ("local", "inline", "ray")

PRELOADED = ["ganbench.cli", "ganbench.harness.scheduler", "ganbench.harness.preload"]
"""Modules that the server imports once, for all processes that are forked from it."""

REHEARSED = [*PRELOADED, "ganbench.harness.rehearsal"]
"""The same where there is no GPU, with a run that does everything for the first time."""

SAFE_PATH = "PYTHONSAFEPATH"
"""The variable that keeps the current folder off Python's path; empty is the same as unset."""

Handle = Any
"""By this a backend knows an attempt."""


class Backend(Protocol):
    """Carries out jobs, ``slots`` of them at a time."""

    @property
    def slots(self) -> int:
        """The number of jobs at a time; it may change, also to 0 for a while."""

    def start(self, job: CellJob) -> Handle:
        """Begin a job."""

    def ended(self, handles: Collection[Handle], seconds: float) -> list[tuple[Handle, Outcome]]:
        """Wait for at most ``seconds``; return the attempts that are over."""

    def stop(self, handle: Handle) -> None:
        """Ask an attempt to save its work, and to end."""

    def kill(self, handle: Handle) -> None:
        """End an attempt at once."""

    def close(self) -> None:
        """Release processes and connections."""


class InlineBackend:
    """Carries out jobs in this process, one after the other: for debuggers."""

    slots = 1

    def __init__(self) -> None:
        self._outcomes: dict[int, Outcome] = {}

    def start(self, job: CellJob) -> Handle:
        """Carry out a job."""
        handle = len(self._outcomes)
        self._outcomes[handle] = outcome = run_cell(job)
        if outcome.status == "interrupted":
            signal.raise_signal(signal.SIGINT)  # the run took a signal that was meant for all
        return handle

    def ended(self, handles: Collection[Handle], seconds: float) -> list[tuple[Handle, Outcome]]:
        """Return all attempts: they are over."""
        return [(handle, self._outcomes[handle]) for handle in handles]

    def stop(self, handle: Handle) -> None:
        """Do nothing: the attempt is over."""

    def kill(self, handle: Handle) -> None:
        """Do nothing: the attempt is over."""

    def close(self) -> None:
        """Do nothing."""


class LocalBackend:
    """A process for each job, forked from a server that has imported torch once.

    So every cell starts from the same clean state, whatever ran before it, for the price of a
    fork; and a process that dies takes only its own cell with it. Several GPUs take jobs in turn.
    """

    def __init__(self, slots: int) -> None:
        self.slots = slots
        forks = "forkserver" in multiprocessing.get_all_start_methods()
        self._context = multiprocessing.get_context("forkserver" if forks else "spawn")
        if forks:
            self._context.set_forkserver_preload(
                PRELOADED if torch.cuda.is_available() else REHEARSED
            )
        self._processes: dict[Connection, BaseProcess] = {}
        self._leaving: list[BaseProcess] = []  # have answered, and are about to end
        self._used_slots: dict[Connection, int] = {}

    def start(self, job: CellJob) -> Handle:
        """Begin a job in a process of its own."""
        gpus = torch.cuda.device_count() if job.options.device in {"auto", "cuda"} else 0
        self._reap(wait_for_them=gpus > 0)  # the memory of a GPU is free when its process is gone
        taken = self._used_slots.values()
        slot = next(number for number in range(self.slots + 1) if number not in taken)
        environment = {SAFE_PATH: os.environ.get(SAFE_PATH, "")}
        if gpus > 1:
            environment["CUDA_VISIBLE_DEVICES"] = _visible(slot % gpus)
        near_end, far_end = self._context.Pipe(duplex=False)
        process = self._context.Process(  # type: ignore[attr-defined]
            target=_work, args=(job, far_end, environment), name=job.name
        )
        with _safe_path():
            process.start()
        far_end.close()
        self._processes[near_end] = process
        self._used_slots[near_end] = slot
        return near_end

    def ended(self, handles: Collection[Handle], seconds: float) -> list[tuple[Handle, Outcome]]:
        """Return the jobs that have told how they ended, or whose process is dead."""
        outcomes = []
        for ready in wait(list(handles), timeout=seconds):
            assert isinstance(ready, Connection)
            process = self._processes.pop(ready)
            try:
                outcome = ready.recv()
            except (EOFError, OSError):
                outcome = None
            ready.close()
            del self._used_slots[ready]
            if outcome is None:
                process.join()
                outcome = Outcome(DIED, describe_exit(process.exitcode), lasting=False)
            else:
                self._leaving.append(process)
            outcomes.append((ready, outcome))
        return outcomes

    def _reap(self, wait_for_them: bool) -> None:
        """Release processes that have ended; waiting for each would cost every cell 20 ms."""
        for process in self._leaving:
            process.join(None if wait_for_them else 0)
        self._leaving = [process for process in self._leaving if process.exitcode is None]

    def stop(self, handle: Handle) -> None:
        """Send SIGTERM: the run saves and ends."""
        self._processes[handle].terminate()

    def kill(self, handle: Handle) -> None:
        """Send SIGKILL."""
        self._processes[handle].kill()

    def close(self) -> None:
        """End the processes that are left."""
        for process in self._processes.values():
            process.kill()
            process.join()
        self._reap(wait_for_them=True)


@contextlib.contextmanager
def _safe_path() -> Iterator[None]:
    """Let a server that is started here import the modules of this process.

    Otherwise Python 3.11 would let it look in the current folder first, where there may be another
    checkout of ganbench than the one that is installed.
    """
    before = os.environ.get(SAFE_PATH)
    os.environ[SAFE_PATH] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[SAFE_PATH]
        else:
            os.environ[SAFE_PATH] = before


def _work(job: CellJob, answer: Connection, environment: dict[str, str]) -> None:
    """Carry out a job in a process of its own, and tell how it ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which sends SIGTERM
    os.environ.update(environment)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()
    with contextlib.suppress(BrokenPipeError):
        answer.send(run_cell(job))
        answer.close()
    # All is on disk: ending the interpreter and torch in order would take a tenth of a second.
    os._exit(0)


def _end_with(sentinel: int) -> None:
    """End this process when its parent is dead: nobody waits for the result any more.

    The lock goes with it, so that the repeated command can continue at once.
    """
    wait([sentinel])
    os._exit(1)


def _visible(index: int) -> str:
    """Return the name of the n-th GPU that this process may see."""
    listed = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    return listed[index] if index < len(listed) and listed[index] else str(index)


def cells_at_a_time(name: str, slots: int | None) -> int:
    """Return how many cells a backend carries out at a time on this machine.

    Args:
        name: one of ``BACKENDS``.
        slots: the number that was asked for; None is one.
    """
    return 1 if name == "inline" else slots or 1


def make_backend(
    name: str, slots: int | None, threads: int, out: Path | None = None, device: str = "auto"
) -> Backend:
    """Return the backend of a name.

    Args:
        name: one of ``BACKENDS``.
        slots: cells that are carried out at a time; None is one, or as many as a cluster holds.
        threads: of each cell.
        out: the folder of the runs, which all nodes of a cluster must see.
        device: of the cells, as it was asked for.

    Raises:
        ConfigError: there is no such backend.
        GanbenchError: the cluster cannot be used.
        MissingDataError: the backend is not installed.
    """
    if name == "inline":
        return InlineBackend()
    if name == "local":
        return LocalBackend(slots or 1)
    if name == "ray":
        try:
            from ganbench.harness.ray_backend import RayBackend
        except ImportError as error:
            raise MissingDataError(
                "The backend ray is not installed.", 'pip install "ganbench[ray]"'
            ) from error
        return RayBackend(slots, threads, out, device)
    raise ConfigError(
        f"Unknown backend '{name}'. {suggest(name, BACKENDS)}".strip(),
        f"There are: {', '.join(BACKENDS)}.",
    )
