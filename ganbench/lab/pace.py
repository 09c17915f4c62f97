# SPDX-License-Identifier: MIT
"""When training may go on, and when a frame is due: play, pause, steps, speed."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field

FRAMES_PER_SECOND = 30.0
LAG_SECONDS = 0.05
"""So far behind the chosen speed, frames are left out rather than iterations."""
TRAINING_PER_FRAME = 10.0
"""Between two frames training gets this many times the time that a frame takes: frames then add at
most a tenth to what it takes without the lab."""


@dataclass
class Pace:
    """How fast training goes, and how often it is shown.

    ``playing`` is whether it goes on by itself. ``steps`` are the single steps that were asked for:
    ``both`` is an iteration, otherwise one player alone takes its turn. ``updates_per_second``
    limits the speed; None does not. ``slow`` shows each update part by part. ``every`` asks for a
    frame in every n-th iteration, whatever the time; None leaves that to the time. ``until`` is the
    iteration at which to show a frame and to wait, where two runs go in step.
    """

    playing: bool = False
    steps: deque[str] = field(default_factory=deque)
    updates_per_second: float | None = None
    slow: bool = False
    every: int | None = None
    until: int | None = None
    _next_iteration: float = 0.0
    _next_frame: float = 0.0
    _last_frame: float = 0.0

    def stands(self, iteration: int) -> bool:
        """Tell whether nothing is to be done until a message comes."""
        if self.until is not None and iteration >= self.until:
            return True
        return not self.playing and not self.steps

    def wait_seconds(self) -> float:
        """Return how long to wait before the next iteration at the chosen speed."""
        if self.updates_per_second is None:
            return 0.0
        return max(0.0, self._next_iteration - time.perf_counter())

    def go(self) -> None:
        """Count an iteration that begins now."""
        if self.steps:
            self.steps.popleft()
        if self.updates_per_second is not None:
            now, each = time.perf_counter(), 1 / self.updates_per_second
            self._next_iteration = max(now - 2 * LAG_SECONDS, self._next_iteration + each)

    def frame_is_due(self, iteration: int) -> bool:
        """Tell whether the iteration is to be shown, or enough time has passed."""
        if self.until is not None:
            return False
        if self.every is not None:
            return iteration % self.every == 0
        now = time.perf_counter()
        if self.updates_per_second is not None and now - self._next_iteration < LAG_SECONDS:
            return now >= self._last_frame + 1 / FRAMES_PER_SECOND
        return now >= self._next_frame

    def shown(self, cost: float) -> None:
        """Count a frame that has been sent, and took ``cost`` seconds."""
        now = time.perf_counter()
        self._last_frame = now - cost
        self._next_frame = now + max(1 / FRAMES_PER_SECOND - cost, TRAINING_PER_FRAME * cost)
