# SPDX-License-Identifier: MIT
"""Which cell is carried out next, and what is known of all of them meanwhile."""

from __future__ import annotations

import json
import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ganbench.errors import StorageError
from ganbench.evaluation.requests import Request
from ganbench.harness.backends import Backend, Handle
from ganbench.harness.matrix import Cell
from ganbench.harness.run import RunOptions
from ganbench.harness.run_cell import (
    DIED,
    CellJob,
    Outcome,
    Stored,
    is_taken,
    look_up,
    write_failure,
)
from ganbench.records.run_folder import RunFolder

ATTEMPTS = 3
"""How often a cell is begun in one command if its process dies."""

GRACE = 15.0
"""Seconds that an attempt has to save what it has, once it is asked to end."""

RESULTS = {"done", "diverged", "collapsed"}


@dataclass(eq=False)
class CellState:
    """What is known of a cell: a status word, how far it is, and what came out.

    ``status`` is one of waiting, running, elsewhere, measuring, stored, limited, failed, timeout,
    interrupted, or the status of a result. ``share`` is of training, from 0 to 1.
    """

    cell: Cell
    status: str = "waiting"
    share: float = 0.0
    record: dict[str, Any] = field(default_factory=dict)
    problem: str = ""
    attempts: int = 0
    began: float = 0.0
    seconds: float = 0.0
    lasting: bool = False

    @property
    def over(self) -> bool:
        """Whether nothing more is done about the cell in this command."""
        return self.status in RESULTS | {"stored", "failed", "timeout", "limited", "interrupted"}

    @property
    def outcome(self) -> str:
        """The status of the result, also where that was stored before."""
        return str(self.record.get("status") or self.status)


@dataclass(frozen=True)
class Policy:
    """What is done about cells: how long, how many, and which again."""

    timeout: float | None = None
    limit: int | None = None
    force: bool = False
    retry_failed: bool = False


@dataclass
class _Attempt:
    state: CellState
    deadline: float | None = None
    timed_out: bool = False
    kill_at: float | None = None


class Scheduler:
    """Brings every cell of a matrix to its result, as far as the policy allows.

    ``requests`` are the wanted metrics by dataset; ``on_change``, which may be set, is told of each
    change.
    """

    def __init__(
        self,
        cells: Sequence[Cell],
        options: RunOptions,
        requests: dict[str, Sequence[Request]],
        *,
        policy: Policy = Policy(),
    ) -> None:
        self.given_out = Path(options.out)
        self.options = replace(options, out=Path(options.out).absolute(), resume=True)
        self.policy = policy
        self.states = [CellState(cell) for cell in cells]
        self._requests = requests
        self.on_change: Callable[[CellState], None] = lambda state: None
        self._stop_asked = False
        self._attempts: dict[Handle, _Attempt] = {}
        self._names = set(os.listdir(self.options.out)) if self.options.out.is_dir() else set()
        for state in self.states:
            self._take_stored(state)

    @property
    def pending(self) -> list[CellState]:
        """The cells that are to be carried out, those of one seed together.

        So the first comparison of all arms is there after the first seed.
        """
        waiting = [state for state in self.states if state.status == "waiting"]
        ordered = sorted(waiting, key=lambda state: state.cell.seed)
        return ordered if self.policy.limit is None else ordered[: self.policy.limit]

    def stop(self) -> None:
        """Ask all that runs to save and to end."""
        self._stop_asked = True

    def run(self, engine: Backend) -> list[CellState]:
        """Carry out what is pending; return the states of all cells."""
        queue = deque(self.pending)
        chosen = set(queue)
        for state in self.states:
            if state.status == "waiting" and state not in chosen:
                state.status = "limited"
        elsewhere: list[CellState] = []
        looked = time.monotonic()
        while queue or elsewhere or self._attempts:
            if self._stop_asked:
                self._end(queue, elsewhere, engine)
            while queue and len(self._attempts) < engine.slots and not self._stop_asked:
                self._start(queue.popleft(), engine, elsewhere)
            if self._attempts:
                for handle, outcome in engine.ended(list(self._attempts), 0.1):
                    self._ended(self._attempts.pop(handle), outcome, queue, elsewhere)
            elif elsewhere:
                time.sleep(0.2)
            self._enforce(engine)
            if time.monotonic() - looked > 0.5:
                looked = time.monotonic()
                self._follow(queue, elsewhere)
        return self.states

    def _take_stored(self, state: CellState) -> None:
        """Take over what is on disk of a cell, if it need not be carried out again."""
        if state.cell.name not in self._names or self.policy.force:
            return
        stored = self._look_up(state)
        if stored.whole:
            state.status, state.record, state.share = "stored", stored.result, 1.0
        elif stored.problem and not self.policy.retry_failed:
            state.status, state.problem, state.lasting = stored.status, stored.problem, True
        elif stored.result:
            state.share = 1.0  # it is trained; what it lacks is a metric

    def _look_up(self, state: CellState) -> Stored:
        requests = self._requests[state.cell.arm.dataset]
        return look_up(state.cell, self.options.out, requests)

    def folder(self, state: CellState) -> RunFolder:
        """Return where a cell is stored."""
        return RunFolder(self.options.out / state.cell.name)

    def _start(self, state: CellState, engine: Backend, elsewhere: list[CellState]) -> None:
        """Begin a cell, unless another process has done it, or is at it."""
        if is_taken(self.folder(state)):
            self._set(state, "elsewhere")
            elsewhere.append(state)
            return
        if not self.policy.force and state.attempts == 0:
            stored = self._look_up(state)
            if stored.whole:
                state.record = stored.result
                self._set(state, "stored")
                return
        task = CellJob(
            state.cell.config,
            state.cell.name,
            self.options,
            force=self.policy.force and state.attempts == 0,
            working_folder=str(Path.cwd()),
        )
        state.attempts += 1
        state.began = time.monotonic()
        self._set(state, "measuring" if state.share == 1.0 else "running")
        timeout = self.policy.timeout
        deadline = state.began + timeout if timeout else None
        self._attempts[engine.start(task)] = _Attempt(state, deadline)

    def _ended(
        self,
        attempt: _Attempt,
        outcome: Outcome,
        queue: deque[CellState],
        elsewhere: list[CellState],
    ) -> None:
        """Take over how an attempt ended."""
        state = attempt.state
        state.seconds += time.monotonic() - state.began
        state.problem = outcome.problem
        state.lasting = outcome.lasting
        if outcome.status == "elsewhere":
            self._set(state, "elsewhere")
            elsewhere.append(state)
        elif attempt.timed_out and outcome.status not in RESULTS:
            state.problem = f"It took longer than {self.policy.timeout:g} s."
            try:
                write_failure(self.folder(state), "timeout", state.problem)
                state.lasting = True
            except StorageError as error:  # it will be tried again, as what is not on disk is
                state.lasting = False
                state.problem += f" {error.message}"
            self._set(state, "timeout")
        elif outcome.status in {DIED, "interrupted"} and not self._stop_asked:
            again = state.attempts < ATTEMPTS
            self._set(state, "waiting" if again else "failed")
            if again:
                queue.append(state)
        elif outcome.status in {DIED, "interrupted"}:
            self._set(state, "interrupted")
        elif outcome.status in RESULTS:
            state.record = self._look_up(state).result
            state.share = 1.0
            self._set(state, outcome.status)
        else:
            self._set(state, outcome.status)

    def _enforce(self, engine: Backend) -> None:
        """End attempts that take too long, in order first, then at once."""
        now = time.monotonic()
        for handle, attempt in self._attempts.items():
            if attempt.deadline and now > attempt.deadline and not attempt.timed_out:
                attempt.timed_out = True
                attempt.kill_at = now + GRACE
                engine.stop(handle)
            elif attempt.kill_at and now > attempt.kill_at:
                attempt.kill_at = None
                engine.kill(handle)

    def _end(self, queue: deque[CellState], elsewhere: list[CellState], engine: Backend) -> None:
        """Give up what has not begun, and ask what runs to end."""
        for state in [*queue, *elsewhere]:
            self._set(state, "interrupted")
        queue.clear()
        elsewhere.clear()
        now = time.monotonic()
        for handle, attempt in self._attempts.items():
            if attempt.kill_at is None and not attempt.timed_out:
                attempt.kill_at = now + GRACE
                engine.stop(handle)

    def _follow(self, queue: deque[CellState], elsewhere: list[CellState]) -> None:
        """See how far the cells are that run here, and what became of those elsewhere."""
        for state in [*(one.state for one in self._attempts.values()), *elsewhere]:
            share = progress(self.folder(state), state.cell.arm.config.recipe.kimg)
            if share > state.share:
                state.share = share
                self.on_change(state)
        for state in list(elsewhere):
            stored = self._look_up(state)
            if stored.whole:
                state.record, state.share = stored.result, 1.0
                self._set(state, str(stored.status))
            elif is_taken(self.folder(state)):
                continue
            else:
                self._set(state, "waiting")
                queue.append(state)
            elsewhere.remove(state)

    def _set(self, state: CellState, status: str) -> None:
        state.status = status
        self.on_change(state)


def progress(folder: RunFolder, kimg: float) -> float:
    """Return the share of training that a run has written of, from its last whole line."""
    try:
        with folder.stats_file.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - 4096))
            lines = file.read().split(b"\n")
    except OSError:
        return 0.0
    for line in reversed(lines):
        try:
            return min(1.0, float(json.loads(line)["kimg"]) / kimg)
        except (ValueError, KeyError, TypeError):
            continue
    return 0.0
