# SPDX-License-Identifier: MIT
"""Two runs in step: neither goes on before both have shown the same iteration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

ROUND_SECONDS = (1 / 30, 1 / 12)
"""A round that is quicker than the first makes the next one longer, slower than the second shorter.
A round is what both runs do between two frames."""

SLACK_SECONDS = 0.001

SIDES = ("a", "b")

MOST_ITERATIONS = 1024

Later = Callable[[float, Callable[[], None]], object]


class Lockstep:
    """Tells both runs how far they may go.

    Args:
        send: Sends a message to both runs.
        later: Calls a function after some seconds, as an event loop does.
        clock: Returns the time in seconds.
    """

    def __init__(
        self, send: Callable[[Mapping[str, Any]], None], later: Later, clock: Callable[[], float]
    ) -> None:
        self.playing = False
        self.updates_per_second: float | None = None
        self._send = send
        self._later = later
        self._clock = clock
        self._until = 0
        self._iterations = 1
        self._shown: dict[str, int] = {}
        self._starting = set(SIDES)
        """The sides that have not begun since ``begin``: they may still show their last run."""
        self._stopped: Mapping[str, str] | None = None
        self._began = clock()
        self._timed = False

    def begin(self) -> None:
        """Let both runs show their beginning, and wait there."""
        self._until, self._iterations = 0, 1
        self._shown.clear()
        self._starting.update(SIDES)
        self._stopped = None
        self._send({"kind": "until", "iteration": 0})
        self._send({"kind": "play"})

    @property
    def state(self) -> Mapping[str, str]:
        """The ``state`` of both runs as pages are told it, with its ``reason``."""
        if self._stopped is not None:
            return self._stopped
        return {"state": "playing" if self.playing else "paused", "reason": ""}

    @property
    def stopped(self) -> bool:
        """Whether a side has ended or failed, so that neither can go on."""
        return self._stopped is not None

    def started(self, side: str) -> None:
        """Take note that a side has begun its run: what it says from now on counts."""
        self._starting.discard(side)
        self._shown.pop(side, None)

    def stop(self, side: str, state: str, reason: str) -> None:
        """Let both stand, because a side has ``ended`` or ``failed``."""
        if side not in self._starting:
            self.playing = False
            self._stopped = {"state": state, "reason": reason}

    def play(self) -> None:
        """Let them go on, round after round."""
        self.playing = True
        self._go_on_if_both_are_there()

    def pause(self) -> None:
        """Let them stop after this round."""
        self.playing = False

    def step(self) -> None:
        """Let both make one iteration more."""
        self.playing = False
        self._allow(1)

    def take_turn(self, message: Mapping[str, Any]) -> None:
        """Let one player alone take its turn on both sides, in place of an iteration.

        The turn is sent first: a run that may go on before it hears of the turn would make an
        iteration. It leaves a run paused, so both are told to play again; ``until`` holds them.
        """
        self.playing = False
        self._send(message)
        self._allow(1)
        self._send({"kind": "play"})

    def shown(self, side: str, iteration: int) -> None:
        """Take note that a side has shown an iteration."""
        if side in self._starting:  # the frame is of the run before
            return
        self._shown[side] = iteration
        if self.playing:
            self._go_on_if_both_are_there()

    def _go_on_if_both_are_there(self) -> None:
        if any(self._shown.get(side, -1) < self._until for side in SIDES) or self._timed:
            return
        seconds = self._clock() - self._began
        wanted = self._wanted_seconds()
        if seconds < wanted - SLACK_SECONDS:
            self._timed = True
            self._later(wanted - seconds, self._time_has_come)
            return
        if self.updates_per_second is None:
            self._adapt(seconds)
        self._allow(self._iterations)

    def _time_has_come(self) -> None:
        self._timed = False
        if self.playing:
            self._go_on_if_both_are_there()

    def _wanted_seconds(self) -> float:
        """Return how long a round takes at the chosen speed."""
        if self.updates_per_second is None:
            return 0.0
        self._iterations = max(1, round(self.updates_per_second * ROUND_SECONDS[0]))
        return self._iterations / self.updates_per_second

    def _adapt(self, seconds: float) -> None:
        quick, slow = ROUND_SECONDS
        if seconds < quick:
            self._iterations = min(MOST_ITERATIONS, 2 * self._iterations)
        elif seconds > slow:
            self._iterations = max(1, self._iterations // 2)

    def _allow(self, iterations: int) -> None:
        self._until += iterations
        self._began = self._clock()
        self._send({"kind": "until", "iteration": self._until})
