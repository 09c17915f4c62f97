# SPDX-License-Identifier: MIT
"""What a session sends: frames of the moment, the state, events, the diagnosis, errors."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Protocol

from ganbench.errors import ConfigError, GanbenchError
from ganbench.lab.diagnosis import Diagnosis
from ganbench.lab.hello import code_of, hello_of, resolved_of
from ganbench.lab.model_graph import model_graph
from ganbench.lab.pace import Pace
from ganbench.lab.segments import Segment, Segments
from ganbench.lab.view import View
from ganbench.lab.views import make_view
from ganbench.lab.wire import Frame, pack_frame
from ganbench.training.trainer import Trainer

STATE_SECONDS = 1.0
"""Checkpoints for forks are at least this far apart."""
STATE_SHARE = 50
"""They take at most this part of the time: a fiftieth."""


class Link(Protocol):
    """How a session hears of messages, and sends its own."""

    def receive(self, seconds: float | None = 0.0) -> dict[str, Any] | None:
        """Return the next message, or None if none comes in that time; None waits for one."""

    def send(self, message: Mapping[str, Any]) -> None:
        """Send a message."""

    def send_frame(self, frame: bytes) -> None:
        """Send a packed frame."""


class Showing:
    """Counts iterations and frames of a run, and shows it.

    Args:
        link: Where everything is sent.
        segments: Keeps checkpoints for forks.
        pace: How fast the run goes.
        side: The side of the page that shows it, ``a`` or ``b``.
    """

    def __init__(self, link: Link, segments: Segments, pace: Pace, side: str) -> None:
        self.iteration = 0
        """How many iterations there were."""
        self.frame = 0
        """The number of the next frame."""
        self.ended = False
        """Whether the run has come to its end."""
        self.failure = ""
        """Why the run could not be trained, or not any further."""
        self.diagnosis = Diagnosis()
        self.iteration_of: dict[int, int] = {}
        """The iteration that each frame has shown."""
        self._link = link
        self._segments = segments
        self._pace = pace
        self._side = side
        self._view: View | None = None
        self._segment: Segment | None = None
        self._trainer: Trainer | None = None
        self._shown_iteration = -1
        self._next_state = 0.0

    @property
    def view(self) -> View:
        """The view of the run.

        Raises:
            ConfigError: There is no run yet.
        """
        if self._view is None:
            raise ConfigError("Nothing is being trained yet.")
        return self._view

    @property
    def segment(self) -> Segment:
        """The run that is shown.

        Raises:
            ConfigError: There is no run yet.
        """
        if self._segment is None:
            raise ConfigError("Nothing is being trained yet.")
        return self._segment

    def start_over(self) -> None:
        """Begin to count again, for another run."""
        self.iteration = self.frame = 0
        self.iteration_of.clear()
        self._view = self._segment = None

    def go_back(self, frame: int, iteration: int) -> None:
        """Forget what came after a frame, which a replay from an earlier iteration shows again."""
        self.iteration_of = {
            number: at for number, at in self.iteration_of.items() if number < frame
        }
        self.frame, self.iteration = frame, iteration
        self._link.send({"kind": "cut", "frame": frame})

    def expect(self) -> None:
        """Expect another trainer, whose run is not shown yet."""
        self._view, self._shown_iteration = None, -1
        self.ended, self.failure = False, ""
        self.diagnosis = Diagnosis()

    def is_expecting(self) -> bool:
        """Tell whether the trainer of a run has not been shown yet."""
        return self._view is None

    def begin(self, segment: Segment, trainer: Trainer) -> None:
        """Show a segment from now on."""
        self._segment, self._trainer = segment, trainer
        self._view = make_view(trainer.state, trainer.batches.dataset, segment.plan.loss)
        self.diagnosis.modes, self.diagnosis.samples = self._view.modes, self._view.drawn

    def greet(self) -> None:
        """Tell the page of a new run."""
        self._link.send(hello_of(self.segment, self.view))

    def changed(self, segment: Segment) -> None:
        """Take note that what is trained is no longer what its recipe says."""
        self._segment = segment

    def keep(self, *, pinned: bool = False) -> None:
        """Keep a checkpoint for forks, whether or not a replay from an earlier one comes here."""
        assert self._trainer is not None
        began = time.perf_counter()
        self._segments.keep(self.frame, self.iteration, self.segment, self._trainer, pinned=pinned)
        now = time.perf_counter()
        self._next_state = now + max(STATE_SECONDS, STATE_SHARE * (now - began))

    def show(self, caption: str = "", turn: str = "") -> None:
        """Send a frame of the moment, unless it has been sent already."""
        if self._view is None or (self._shown_iteration == self.iteration and not caption):
            return
        began = time.perf_counter()
        header, arrays = self._view.frame()
        facts = {
            "frame": self.frame,
            "iteration": self.iteration,
            "kimg": self._view.state.images_seen / 1000,
            "side": self._side,
            "caption": caption,
            "turn": turn,
        }
        self._link.send_frame(pack_frame(Frame({**facts, **header}, arrays)))
        self.iteration_of[self.frame] = self.iteration
        if time.perf_counter() >= self._next_state and not caption and not self.ended:
            self.keep()
        self.frame += 1
        self._shown_iteration = self.iteration
        self.diagnosis.numbers = header["numbers"]
        if self.diagnosis.changed:
            self._link.send(self.diagnosis.message())
        self._pace.shown(time.perf_counter() - began)

    def tell_state(self, state: str = "", reason: str = "") -> None:
        """Tell the page whether the run goes on, and how fast."""
        usual = "playing" if self._pace.playing else "paused"
        if self.failure and not state:
            state, reason = "failed", self.failure
        message = {
            "kind": "state",
            "state": state or ("ended" if self.ended else usual),
            "speed": self._pace.updates_per_second,
            "slow": self._pace.slow,
            "frame": max(0, self.frame - 1),
            "frames": self.frame,
            "reason": reason,
        }
        self._link.send(message)

    def tell_event(self, what: str) -> None:
        """Tell the page what has changed, and the code as it is now."""
        code = code_of(self.segment)
        event = {
            "kind": "event",
            "frame": max(0, self.frame - 1),
            "iteration": self.iteration,
            "what": what,
            "command": code["command"],
            **self._recipe(),
        }
        self._link.send(event)
        self._link.send(code)

    def tell_recipe(self) -> None:
        """Tell the page what is trained from here on, and the code that repeats it."""
        self._link.send({"kind": "recipe", **self._recipe()})
        self._link.send(code_of(self.segment))

    def _recipe(self) -> dict[str, Any]:
        segment = self.segment
        return {
            "recipe": segment.recipe.values(),
            "resolved": resolved_of(segment),
            "graph": model_graph(self.view.state, segment.plan.loss),
        }

    def tell_code(self) -> None:
        """Tell the page the code that repeats the run."""
        self._link.send(code_of(self.segment))

    def tell_error(self, error: GanbenchError, client: int | None = None) -> None:
        """Tell a page, or all of them, what cannot be done."""
        message = {"kind": "error", "message": error.message, "hint": error.hint, "client": client}
        self._link.send(message)
