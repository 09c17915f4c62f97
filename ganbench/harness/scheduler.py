# SPDX-License-Identifier: MIT
"""The order in which cells are carried out, and the state of every cell meanwhile."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ganbench.errors import StorageError
from ganbench.harness.backends import Backend, Handle
from ganbench.harness.cell_threads import with_threads
from ganbench.harness.matrix import Cell
from ganbench.harness.run_cell import (
    DIED,
    CellJob,
    Outcome,
    Stored,
    look_up,
    write_failure,
)
from ganbench.harness.run_metrics import WantedMetrics
from ganbench.harness.run_options import RunOptions
from ganbench.records.atomic_files import last_row
from ganbench.records.json_values import as_number
from ganbench.records.locks import is_taken
from ganbench.records.run_folder import FAILURES, RESULTS, RunFolder

ATTEMPTS = 3
"""How often one command begins a cell whose process dies."""

GRACE_SECONDS = 15.0
"""How long an attempt has to save its work, once it is asked to end."""


@dataclass(eq=False)
class CellState:
    """The state of a cell.

    Args:
        cell: of the matrix.
        status: waiting, running, elsewhere, measuring, stored, limited, failed, timeout,
            interrupted, or the status of a result.
        share: of the training that is done, from 0 to 1.
        record: the result.
        problem: why there is no result.
        attempts: how often this command has begun the cell.
        began: when the last attempt began, by the monotonic clock.
        seconds: time of all attempts.
        lasting: whether the problem is stored, so that the cell is not tried again by itself.
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
        """Whether this command does nothing more about the cell."""
        return self.status in {*RESULTS, *FAILURES, "stored", "limited", "interrupted"}

    @property
    def outcome(self) -> str:
        """The status of the result, also if it was stored before; otherwise that of the cell."""
        return str(self.record.get("status") or self.status)


@dataclass(frozen=True)
class Policy:
    """Which cells are carried out, and for how long.

    Args:
        timeout: seconds that a cell may take.
        limit: the most cells that are carried out. Those that other commands carry out do not
            count.
        force: whether stored cells are trained again.
        retry_failed: whether cells that failed or took too long are tried again.
    """

    timeout: float | None = None
    limit: int | None = None
    force: bool = False
    retry_failed: bool = False


@dataclass
class _Attempt:
    """A cell that is being carried out, and when it must end."""

    state: CellState
    deadline: float | None = None
    timed_out: bool = False
    kill_at: float | None = None


class Scheduler:
    """Brings every cell of a matrix to its result, as far as the policy allows.

    ``on_change``, which may be set, hears of each change.

    Args:
        cells: of the matrix.
        options: how each cell is run.
        wanted: the metrics that each cell must have, by dataset.
        policy: which cells are carried out, and for how long.
    """

    def __init__(
        self,
        cells: Sequence[Cell],
        options: RunOptions,
        wanted: Mapping[str, WantedMetrics],
        *,
        policy: Policy = Policy(),
    ) -> None:
        self.out_as_typed = Path(options.out)
        self.options = replace(options, out=Path(options.out).absolute(), resume=True)
        self.policy = policy
        self.states = [CellState(cell) for cell in cells]
        self.on_change: Callable[[CellState], None] = lambda state: None
        self._wanted = wanted
        self.failed_before = 0
        """The number of cells that failed or took too long in an earlier call."""
        self._stop_asked = False
        self._queue: deque[CellState] = deque()
        self._reserve: deque[CellState] = deque()  # wait for a place within the limit
        self._begun: set[CellState] = set()
        self._elsewhere: list[CellState] = []
        self._attempts: dict[Handle, _Attempt] = {}
        self._stored_names = (
            set(os.listdir(self.options.out)) if self.options.out.is_dir() else set()
        )
        for state in self.states:
            self._take_stored(state)

    @property
    def pending(self) -> list[CellState]:
        """The cells to carry out, ordered by seed.

        So the first comparison of all arms is there after the first seed.
        """
        return self._waiting[: self.policy.limit]

    @property
    def begun(self) -> int:
        """The number of cells that this command has begun."""
        return len(self._begun)

    @property
    def _waiting(self) -> list[CellState]:
        """The cells without a result, ordered by seed, as if there were no limit."""
        waiting = [state for state in self.states if state.status == "waiting"]
        return sorted(waiting, key=lambda state: state.cell.seed)

    def settle_threads(self, slots: int) -> None:
        """Choose the number of threads of all cells, unless the options say it (``with_threads``).

        Args:
            slots: The number of cells that will be carried out at the same time.
        """
        cells = [state.cell for state in self.pending]
        self.options = with_threads(self.options, cells, slots)

    def folder(self, state: CellState) -> RunFolder:
        """Return the folder in which a cell is stored."""
        return RunFolder(self.options.out / state.cell.name)

    def stop(self) -> None:
        """Ask all attempts to save and to end."""
        self._stop_asked = True

    def run(self, backend: Backend) -> list[CellState]:
        """Carry out the pending cells; return the states of all cells."""
        self._reserve = deque(self._waiting)
        self._admit()
        followed_at = time.monotonic()
        while self._queue or self._elsewhere or self._attempts:
            if self._stop_asked:
                self._give_up(backend)
            while self._queue and len(self._attempts) < backend.slots and not self._stop_asked:
                self._start(self._queue.popleft(), backend)
            if self._attempts:
                for handle, outcome in backend.ended(list(self._attempts), 0.1):
                    self._conclude(self._attempts.pop(handle), outcome)
            elif self._elsewhere or self._queue:  # a cluster may have no room for a while
                time.sleep(0.2)
            self._enforce_timeouts(backend)
            if time.monotonic() - followed_at > 0.5:
                followed_at = time.monotonic()
                self._follow_shares()
                self._follow_elsewhere()
            self._admit()
        return self.states

    # -- stored results ----------------------------------------------------------------------

    def _take_stored(self, state: CellState) -> None:
        """Take over the stored result of a cell, unless it is to be carried out again."""
        if state.cell.name not in self._stored_names or self.policy.force:
            return
        stored = self._look_up(state)
        if stored.whole:
            state.status, state.record, state.share = "stored", stored.result, 1.0
            return
        self.failed_before += stored.failed
        if stored.failed and not self.policy.retry_failed:
            state.status, state.problem, state.lasting = stored.status, stored.problem, True
        elif stored.result:  # it is trained, but lacks a metric: what it has counts meanwhile
            state.record, state.share = stored.result, 1.0

    def _look_up(self, state: CellState) -> Stored:
        return look_up(state.cell, self.options.out, self._wanted[state.cell.arm.dataset])

    # -- attempts ----------------------------------------------------------------------------

    def _admit(self) -> None:
        """Queue as many cells as the limit leaves room for; the others are limited.

        Only cells that this command begins take room. So commands that share a folder divide the
        cells: one that another command holds or has finished leaves its place to the next.
        """
        limit = self.policy.limit
        room = len(self.states) if limit is None else limit
        room -= len(self._begun.union(self._queue))
        while self._reserve and room > 0:
            state = self._reserve.popleft()
            state.status = "waiting"
            self._queue.append(state)
            room -= 1
        for state in self._reserve:
            state.status = "limited"
        if limit is not None and self.begun >= limit and not self._queue and not self._attempts:
            for state in self._elsewhere:
                self._set(state, "limited")
            self._elsewhere.clear()

    def _start(self, state: CellState, backend: Backend) -> None:
        """Begin a cell, unless another process has finished it or is working on it."""
        if is_taken(self.folder(state).path):
            self._leave_elsewhere(state)
            return
        if not self.policy.force and state.attempts == 0 and self._is_over_elsewhere(state):
            return
        job = CellJob(
            state.cell.config,
            state.cell.name,
            self.options,
            force=self.policy.force and state.attempts == 0,
            working_folder=str(Path.cwd()),
        )
        state.attempts += 1
        self._begun.add(state)
        state.began = time.monotonic()
        self._set(state, "measuring" if state.share == 1.0 else "running")
        timeout = self.policy.timeout
        deadline = state.began + timeout if timeout else None
        self._attempts[backend.start(job)] = _Attempt(state, deadline)

    def _conclude(self, attempt: _Attempt, outcome: Outcome) -> None:
        """Take over how an attempt ended."""
        state = attempt.state
        state.seconds += time.monotonic() - state.began
        state.problem = outcome.problem
        state.lasting = outcome.lasting
        if outcome.status == "elsewhere":
            self._begun.discard(state)
            self._leave_elsewhere(state)
        elif outcome.status in RESULTS:
            state.record = self._look_up(state).result
            state.share = 1.0
            self._set(state, outcome.status)
        elif attempt.timed_out:
            self._record_timeout(state)
        elif outcome.status in {DIED, "interrupted"}:
            self._try_again(state)
        else:
            self._set(state, outcome.status)

    def _leave_elsewhere(self, state: CellState) -> None:
        """Leave a cell to the process that works on it, and follow its progress."""
        self._set(state, "elsewhere")
        self._elsewhere.append(state)

    def _record_timeout(self, state: CellState) -> None:
        """Store that a cell took too long, so that it is not tried again unless asked for.

        A cell that has a result, and was only measured, keeps it: its training did not fail.
        """
        state.problem = f"It took longer than {self.policy.timeout:g} s."
        if self._look_up(state).result:
            state.lasting = False
            self._set(state, "timeout")
            return
        try:
            write_failure(self.folder(state), "timeout", state.problem)
            state.lasting = True
        except StorageError as error:  # a failure that is not on disk will be tried again
            state.lasting = False
            state.problem += f" {error.message}"
        self._set(state, "timeout")

    def _try_again(self, state: CellState) -> None:
        """Queue a cell whose process ended without a result, unless that is enough."""
        if self._stop_asked:
            self._set(state, "interrupted")
        elif state.attempts < ATTEMPTS:
            self._set(state, "waiting")
            self._queue.append(state)
        else:
            self._set(state, "failed")

    def _enforce_timeouts(self, backend: Backend) -> None:
        """End attempts that take too long: ask first, then kill."""
        now = time.monotonic()
        for handle, attempt in self._attempts.items():
            if attempt.deadline and now > attempt.deadline and not attempt.timed_out:
                attempt.timed_out = True
                attempt.kill_at = now + GRACE_SECONDS
                backend.stop(handle)
            elif attempt.kill_at and now > attempt.kill_at:
                attempt.kill_at = None
                backend.kill(handle)

    def _give_up(self, backend: Backend) -> None:
        """Give up the cells that have not begun, and ask the attempts to end."""
        for state in [*self._queue, *self._elsewhere]:
            self._set(state, "interrupted")
        self._queue.clear()
        self._elsewhere.clear()
        now = time.monotonic()
        for handle, attempt in self._attempts.items():
            if attempt.kill_at is None and not attempt.timed_out:
                attempt.kill_at = now + GRACE_SECONDS
                backend.stop(handle)

    # -- cells that run, here and elsewhere --------------------------------------------------

    def _follow_shares(self) -> None:
        """Read how far the cells are that are being trained, here or elsewhere."""
        here = [attempt.state for attempt in self._attempts.values()]
        for state in [*here, *self._elsewhere]:
            share = trained_share(self.folder(state), state.cell.arm.config.recipe.kimg)
            if share > state.share:
                state.share = share
                self.on_change(state)

    def _follow_elsewhere(self) -> None:
        """Take over cells that other processes have finished, and queue those they gave up."""
        for state in list(self._elsewhere):
            if is_taken(self.folder(state).path):
                continue
            if not self._is_over_elsewhere(state):
                self._set(state, "waiting")
                self._reserve.append(state)
            self._elsewhere.remove(state)

    def _is_over_elsewhere(self, state: CellState) -> bool:
        """Take over what another command has stored for a cell; tell whether nothing is left.

        The cell is not taken: a failure that is on disk while a process works on it is an earlier
        one.
        """
        stored = self._look_up(state)
        if stored.whole:
            state.record, state.share = stored.result, 1.0
            self._set(state, "stored" if state.status == "waiting" else str(stored.status))
        elif stored.failed and not self.policy.retry_failed:
            state.problem, state.lasting = stored.problem, True
            self._set(state, stored.status)
        else:
            return False
        return True

    def _set(self, state: CellState, status: str) -> None:
        state.status = status
        self.on_change(state)


def trained_share(folder: RunFolder, kimg: float) -> float:
    """Return the share of training that a run has recorded, from the last whole line it wrote.

    Args:
        folder: of the run.
        kimg: length of the training.
    """
    row = last_row(folder.stats_file)
    return max(0.0, min(1.0, (as_number(row.get("kimg")) or 0.0) / kimg))
