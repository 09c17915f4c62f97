# SPDX-License-Identifier: MIT
"""Where cells are carried out: in this process, in processes of this machine, on a Ray cluster."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Collection, Iterator
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Protocol

import torch

from ganbench.errors import ConfigError, MissingDataError, suggest
from ganbench.harness.run_cell import DIED, CellJob, Outcome, run_cell
from ganbench.runtime.child_process import describe_exit

BACKENDS = ("local", "inline", "ray")

PRELOADED = ["ganbench.cli", "ganbench.harness.scheduler", "ganbench.harness.preload"]
"""What the server imports once: a forked process imports what its parent's main module does."""

SAFE_PATH = "PYTHONSAFEPATH"
"""The variable that keeps the current folder off Python's path; empty is as good as unset."""

Handle = Any
"""What an engine knows an attempt by."""


class Backend(Protocol):
    """Carries out tasks, ``slots`` of them at a time."""

    slots: int

    def start(self, task: CellJob) -> Handle:
        """Begin a task."""

    def ended(self, handles: Collection[Handle], seconds: float) -> list[tuple[Handle, Outcome]]:
        """Wait at most so long; return the attempts that are over."""

    def stop(self, handle: Handle) -> None:
        """Ask an attempt to save what it has, and to end."""

    def kill(self, handle: Handle) -> None:
        """End an attempt at once."""

    def close(self) -> None:
        """Let go of processes and connections."""


class InlineBackend:
    """Carries tasks out in this process, one after the other: for debuggers."""

    slots = 1

    def __init__(self) -> None:
        self._outcomes: dict[int, Outcome] = {}

    def start(self, task: CellJob) -> Handle:
        """Carry a task out."""
        handle = len(self._outcomes)
        self._outcomes[handle] = outcome = run_cell(task)
        if outcome.status == "interrupted":
            signal.raise_signal(signal.SIGINT)  # the run took the signal; it was meant for all
        return handle

    def ended(self, handles: Collection[Handle], seconds: float) -> list[tuple[Handle, Outcome]]:
        """Return all that were begun: they are over."""
        return [(handle, self._outcomes[handle]) for handle in handles]

    def stop(self, handle: Handle) -> None:
        """Do nothing: what was begun is over."""

    def kill(self, handle: Handle) -> None:
        """Do nothing: what was begun is over."""

    def close(self) -> None:
        """Do nothing."""


class LocalBackend:
    """A process for each task, forked from a server that has imported torch once.

    So every cell starts from the same clean state, whatever ran before it, at the price of a
    fork; and a process that dies takes one cell with it. Where there are several GPUs, tasks
    take turns on them.
    """

    def __init__(self, slots: int) -> None:
        self.slots = slots
        forks = "forkserver" in multiprocessing.get_all_start_methods()
        self._context = multiprocessing.get_context("forkserver" if forks else "spawn")
        if forks:
            self._context.set_forkserver_preload(PRELOADED)
        self._processes: dict[Connection, BaseProcess] = {}
        self._leaving: list[BaseProcess] = []  # have answered; the system takes them down
        self._used: dict[Connection, int] = {}

    def start(self, task: CellJob) -> Handle:
        """Begin a task in a process of its own."""
        gpus = torch.cuda.device_count() if task.options.device in {"auto", "cuda"} else 0
        self._reap(wait_for_them=gpus > 0)  # the memory of a GPU is free when its process is gone
        place = next(one for one in range(self.slots + 1) if one not in self._used.values())
        environment = {SAFE_PATH: os.environ.get(SAFE_PATH, "")}
        if gpus > 1:
            environment["CUDA_VISIBLE_DEVICES"] = _visible(place % gpus)
        ours, theirs = self._context.Pipe(duplex=False)
        process = self._context.Process(  # type: ignore[attr-defined]
            target=_work, args=(task, theirs, environment), name=task.name
        )
        with _safe_path():
            process.start()
        theirs.close()
        self._processes[ours] = process
        self._used[ours] = place
        return ours

    def ended(self, handles: Collection[Handle], seconds: float) -> list[tuple[Handle, Outcome]]:
        """Return the tasks that have said how they ended, or that are dead."""
        found = []
        for ready in wait(list(handles), timeout=seconds):
            assert isinstance(ready, Connection)
            process = self._processes.pop(ready)
            try:
                outcome = ready.recv()
            except (EOFError, OSError):
                outcome = None
            ready.close()
            del self._used[ready]
            if outcome is None:
                process.join()
                outcome = Outcome(DIED, describe_exit(process.exitcode), lasting=False)
            else:
                self._leaving.append(process)
            found.append((ready, outcome))
        return found

    def _reap(self, wait_for_them: bool) -> None:
        """Let go of processes that are gone; to wait for each would cost every cell 20 ms."""
        for process in self._leaving:
            process.join(None if wait_for_them else 0)
        self._leaving = [one for one in self._leaving if one.exitcode is None]

    def stop(self, handle: Handle) -> None:
        """Send SIGTERM, at which a run saves and ends."""
        self._processes[handle].terminate()

    def kill(self, handle: Handle) -> None:
        """Send SIGKILL."""
        self._processes[handle].kill()

    def close(self) -> None:
        """End what still runs."""
        for process in self._processes.values():
            process.kill()
            process.join()
        self._reap(wait_for_them=True)


@contextlib.contextmanager
def _safe_path() -> Iterator[None]:
    """Let a server that is started here import what this process has imported.

    Python 3.11 would have it look in the current folder first, where a checkout of ganbench may
    lie that is not the one installed.
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


def _work(task: CellJob, answer: Connection, environment: dict[str, str]) -> None:
    """Carry a task out in a process of its own, and say how it ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's: it asks by SIGTERM
    os.environ.update(environment)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()
    with contextlib.suppress(BrokenPipeError):
        answer.send(run_cell(task))
        answer.close()
    # All is on disk: taking the interpreter and torch down in order would cost a tenth of a second.
    os._exit(0)


def _end_with(sentinel: int) -> None:
    """End this process when its parent is dead: nobody waits for the result any more.

    The lock goes with it, so that whoever repeats the command can go on at once.
    """
    wait([sentinel])
    os._exit(1)


def _visible(index: int) -> str:
    """Return the name of the n-th GPU that this process may see."""
    listed = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    return listed[index] if index < len(listed) and listed[index] else str(index)


def make_backend(name: str, slots: int | None, threads: int) -> Backend:
    """Return the engine of a name with so many slots, by default as many as fit.

    Raises:
        ConfigError: there is no such engine.
        MissingDataError: it is not installed.
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
                "The engine ray is not installed.", 'pip install "ganbench[ray]"'
            ) from error
        return RayBackend(slots, threads)
    raise ConfigError(
        f"Unknown engine '{name}'. {suggest(name, BACKENDS)}".strip(),
        f"There are: {', '.join(BACKENDS)}.",
    )
