# SPDX-License-Identifier: MIT
"""The process that trains: it does what the page asks for, and shows what happens.

It carries out runs like any other command. Before each iteration the trainer lets the session
attend: it reads messages, sends frames, and waits while it is paused. Nothing of that changes a
weight.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from ganbench.data import Source, open_dataset
from ganbench.errors import ConfigError, GanbenchError
from ganbench.gan import Role
from ganbench.harness.run import Run
from ganbench.lab.diagnosis import Diagnosis
from ganbench.lab.hello import code_of, hello_of, make_view, resolved_of
from ganbench.lab.lab_answers import answer
from ganbench.lab.lab_options import LabOptions
from ganbench.lab.lab_recipe import CHANGEABLE, OWN_POINTS, LabRecipe
from ganbench.lab.lesson_files import lesson
from ganbench.lab.model_graph import model_graph
from ganbench.lab.pace import Pace
from ganbench.lab.saved_run import save_segment
from ganbench.lab.segments import Segment, Segments
from ganbench.lab.slow_motion import slow_motion
from ganbench.lab.view import View
from ganbench.lab.wire import Frame, pack_frame
from ganbench.step import update
from ganbench.training.trainer import Trainer

CAPTION_SECONDS = 1.25
"""How long a caption of slow motion stays, at the usual speed."""

STATE_SECONDS = 1.0
"""Checkpoints for forks are at least this far apart, and take at most a fiftieth of the time."""

_STATUS_WORDS = {
    "done": "The run has reached its end.",
    "diverged": "The run has diverged: a loss or a sample is no longer finite.",
    "collapsed": "The run has ended with all samples nearly the same.",
}


class Link(Protocol):
    """How a session hears of messages, and sends its own."""

    def receive(self, seconds: float | None = 0.0) -> dict[str, Any] | None:
        """Return the next message, or None if none comes in that time; None waits for one."""

    def send(self, message: Mapping[str, Any]) -> None:
        """Send a message."""

    def send_frame(self, frame: bytes) -> None:
        """Send a packed frame."""


@dataclass(frozen=True)
class Order:
    """What to train next: a new recipe from the start, a change, or a fork from a frame."""

    recipe: LabRecipe
    source: Source | None = None
    what: str = ""
    """The change in words, where it is one."""
    frame: int | None = None
    """The frame to fork from."""


class LabSession:
    """Trains what is asked for, until the process ends.

    Args:
        link: The way to the server.
        options: How to compute, and where files are kept.
        side: The side of the page that shows it, ``a`` or ``b``.
    """

    def __init__(self, link: Link, options: LabOptions, side: str = "a") -> None:
        self._link = link
        self._side = side
        self._segments = Segments(options)
        self._options = options
        self._pace = Pace()
        self._order: Order | None = None
        self._segment: Segment | None = None
        self._run: Run | None = None
        self._view: View | None = None
        self._diagnosis = Diagnosis()
        self._turn: Role | None = None
        self._iteration = 0
        self._frame = 0
        self._iteration_of: dict[int, int] = {}
        self._shown_iteration = -1
        self._replay_until: int | None = None
        self._slow = ExitStack()
        self._begins: Order | None = None
        """The order that the next trainer carries out, until it has been announced."""
        self._next_state = 0.0
        self._ended = False

    # -- one run after the other ---------------------------------------------------------------

    def serve(self, recipe: LabRecipe) -> None:
        """Train a recipe, then whatever is asked for; this never returns."""
        self._order = Order(recipe)
        while True:
            self.carry_out_order()

    def carry_out_order(self) -> None:
        """Train what was ordered until its end, or until something else is; wait for an order."""
        order, self._order = self._order, None
        if order is not None:
            try:
                self._train(order)
            except GanbenchError as error:
                self._slow.close()
                self._tell_error(error)
                self._tell_state("failed", error.message)
        while self._order is None:
            self._listen(None)

    def _train(self, order: Order) -> None:
        self._ended = False
        if order.frame is not None:
            segment = self._forked(order.frame)
        elif order.what and self._segment and self._trainer.state.images_seen:
            segment = self._segments.change(self._segment, order.recipe, self._trainer.state)
        else:
            self._tell_state("starting")
            segment = self._segments.begin(order.recipe, order.source)
            self._iteration = self._frame = 0
            self._replay_until = None
            self._iteration_of.clear()
            order = replace(order, what="")
        self._begins, self._segment, self._view = order, segment, None
        self._shown_iteration = -1
        self._diagnosis = Diagnosis()
        self._run = self._segments.run(segment, self._diagnosis, self._attend)
        status = str(self._run.execute()["status"])
        if self._order is None:
            self._diagnosis.ended(status)
            self._ended = True
            self._pace.playing = False
            self._show()
            self._tell_state("ended", _STATUS_WORDS.get(status, status))

    def _forked(self, frame: int) -> Segment:
        kept = self._segments.fork(frame)
        if kept is None:
            raise ConfigError(f"Frame {frame} is not kept any more.", "Choose a later one.")
        self._replay_until = max(kept.iteration, self._iteration_of.get(frame, 0))
        self._iteration, self._frame = kept.iteration, frame
        self._link.send({"kind": "cut", "frame": frame})
        return kept.segment

    @property
    def _trainer(self) -> Trainer:
        assert self._run is not None
        assert self._run.trainer is not None
        return self._run.trainer

    # -- before each iteration -----------------------------------------------------------------

    def _attend(self, trainer: Trainer) -> None:
        """Read messages, show a frame if one is due, wait while paused; then count."""
        self._slow.close()
        if self._view is None:
            self._begin_showing(trainer)
        self._listen(0.0)
        if self._replays():
            self._iteration += 1
            return
        if self._pace.frame_is_due():
            self._show()
        while self._order is None and self._stays(trainer):
            pass
        if self._order is not None:
            trainer.stop_requested = True
            return
        if self._pace.slow and self._iteration:
            self._slow.enter_context(slow_motion(trainer.state, self._caption))
        self._pace.go()
        self._iteration += 1

    def _replays(self) -> bool:
        """Tell whether a fork has yet to come to its frame; show that frame when it has."""
        if self._replay_until is None or self._order is not None:
            return False
        if self._iteration < self._replay_until:
            return True
        self._replay_until = None
        self._show()
        return False

    def _stays(self, trainer: Trainer) -> bool:
        """Wait for a message or for the time of the next iteration; return False to go on."""
        if self._turn is not None:
            self._take_turn(trainer, self._turn)
        if self._pace.stands:
            self._show()
            self._listen(None)
            return True
        seconds = self._pace.wait_seconds()
        if seconds > 0:
            self._listen(min(seconds, 0.1))
        return seconds > 0

    def _begin_showing(self, trainer: Trainer) -> None:
        """Announce a segment, and keep its beginning."""
        assert self._segment is not None
        segment, begins = self._segment, self._begins
        self._view = make_view(trainer.state, trainer.batches.dataset, segment.plan.loss)
        self._diagnosis.modes, self._diagnosis.samples = self._view.modes, self._view.drawn
        if begins is None or (begins.frame is None and not begins.what):
            self._link.send(hello_of(segment, self._view))
        if begins is not None and begins.what:
            self._tell_event(begins.what)
        if begins is None or begins.frame is None:
            self._keep(pinned=True)
            self._show()
        self._tell_state(self._state_now)

    def _take_turn(self, trainer: Trainer, role: Role) -> None:
        """Let one player alone make an update, which no command repeats."""
        self._turn = None
        if role == "discriminator":
            batch = trainer.next_batch()
        else:
            batch = trainer.batches.at(trainer.state.images_seen)
        update(trainer.state, role, batch)
        assert self._segment is not None
        self._segment = replace(self._segment, changes=self._segment.changes + 1)
        self._iteration += 1
        self._keep(pinned=True)
        self._show()
        self._tell_event(f"Only the {role} took its turn.")

    def _caption(self, caption: str, role: Role) -> None:
        """Show a part of an update, and leave time to read what it is."""
        if self._order is not None or not self._pace.slow:
            return
        self._show(caption, role)
        until = time.perf_counter() + CAPTION_SECONDS
        while self._order is None and self._pace.slow:
            seconds = until - time.perf_counter()
            if seconds <= 0 and self._pace.playing:
                return
            stands = not self._pace.playing and not self._pace.steps
            if seconds <= 0 and not stands:
                self._pace.steps -= 1
                return
            self._listen(None if stands else max(seconds, 0.001))

    # -- what is sent --------------------------------------------------------------------------

    def _keep(self, *, pinned: bool = False) -> None:
        """Keep a checkpoint for forks."""
        assert self._segment is not None
        began = time.perf_counter()
        trainer = self._trainer
        self._segments.keep(self._frame, self._iteration, self._segment, trainer, pinned=pinned)
        now = time.perf_counter()
        self._next_state = now + max(STATE_SECONDS, 50 * (now - began))

    def _show(self, caption: str = "", turn: str = "") -> None:
        """Send a frame of the moment, unless it has been sent already."""
        if self._view is None or (self._shown_iteration == self._iteration and not caption):
            return
        began = time.perf_counter()
        header, arrays = self._view.frame()
        facts = {
            "frame": self._frame,
            "iteration": self._iteration,
            "kimg": self._view.state.images_seen / 1000,
            "side": self._side,
            "caption": caption,
            "turn": turn,
        }
        self._link.send_frame(pack_frame(Frame({**facts, **header}, arrays)))
        self._iteration_of[self._frame] = self._iteration
        if time.perf_counter() >= self._next_state and not caption:
            self._keep()
        self._frame += 1
        self._shown_iteration = self._iteration
        self._diagnosis.numbers = header["numbers"]
        if self._diagnosis.changed:
            self._link.send(self._diagnosis.message())
        self._pace.shown(time.perf_counter() - began)

    @property
    def _state_now(self) -> str:
        if self._ended:
            return "ended"
        return "playing" if self._pace.playing else "paused"

    def _tell_state(self, state: str, reason: str = "") -> None:
        message = {
            "kind": "state",
            "state": state,
            "speed": self._pace.updates_per_second,
            "slow": self._pace.slow,
            "frame": max(0, self._frame - 1),
            "frames": self._frame,
            "reason": reason,
        }
        self._link.send(message)

    def _tell_event(self, what: str) -> None:
        assert self._segment is not None
        assert self._view is not None
        code = code_of(self._segment)
        event = {
            "kind": "event",
            "frame": max(0, self._frame - 1),
            "iteration": self._iteration,
            "what": what,
            "recipe": self._segment.recipe.values(),
            "resolved": resolved_of(self._segment),
            "command": code["command"],
            "graph": model_graph(self._view.state, self._segment.plan.loss),
        }
        self._link.send(event)
        self._link.send(code)

    def _tell_error(self, error: GanbenchError, client: int | None = None) -> None:
        message = {"kind": "error", "message": error.message, "hint": error.hint, "client": client}
        self._link.send(message)

    # -- what is heard -------------------------------------------------------------------------

    def _listen(self, seconds: float | None) -> None:
        """Do what messages ask for: one that comes in that time, and all that wait."""
        message = self._link.receive(seconds)
        while message is not None:
            try:
                self._hear(message)
            except GanbenchError as error:
                self._tell_error(error, message.get("client"))
            message = self._link.receive(0.0)

    def _hear(self, message: Mapping[str, Any]) -> None:
        kind = message["kind"]
        if kind in {"play", "pause", "step", "slow", "speed"}:
            self._hear_pace(kind, message)
            self._tell_state(self._state_now)
        elif kind == "set":
            self._order = self._change(message["key"], message["value"])
        elif kind == "fork":
            self._order = Order(self._recipe, frame=message["frame"])
        elif kind == "reset":
            self._order = Order(self._recipe, self._own_source)
        elif kind == "start":
            self._order = Order(_started(message))
        elif kind == "data":
            points = np.array(message["points"], np.float32)
            self._order = Order(replace(self._recipe, dataset=OWN_POINTS), open_dataset(points))
        elif kind == "save":
            self._save(message["name"])
        elif kind == "code":
            self._link.send(code_of(self._whole_segment))
        else:
            self._answer(message)

    def _hear_pace(self, kind: str, message: Mapping[str, Any]) -> None:
        pace = self._pace
        if kind == "play":
            pace.playing = not self._ended
        elif kind == "pause":
            pace.playing, pace.steps = False, 0
        elif kind == "slow":
            pace.slow = message["on"]
        elif kind == "speed":
            pace.updates_per_second = message["updates_per_second"]
        elif message["turn"] == "both":
            pace.playing, pace.steps = False, pace.steps + 1
        elif not self._ended:
            pace.playing, self._turn = False, message["turn"]

    @property
    def _recipe(self) -> LabRecipe:
        """The recipe that is trained, or about to be."""
        if self._order is not None:
            return self._order.recipe
        return self._segment.recipe if self._segment else LabRecipe()

    @property
    def _whole_segment(self) -> Segment:
        if self._segment is None:
            raise ConfigError("Nothing is being trained yet.")
        return self._segment

    @property
    def _own_source(self) -> Source | None:
        """The data of the page's own, if it is trained on such."""
        segment = self._segment
        return segment.source if segment and segment.plan.in_memory else None

    def _change(self, key: str, value: Any) -> Order:
        """Return the order of a change; what cannot change while running is refused."""
        if key not in CHANGEABLE:
            raise ConfigError(
                f"{key} cannot change while a run goes on.", "Start again with another recipe."
            )
        recipe = self._recipe.changed(key, value)
        recipe.require_registered()
        self._segments.check_change(self._whole_segment, recipe)
        shown = " ".join(value) or "none" if isinstance(value, list) else value
        what = f"{key} = {shown}"
        if self._order is not None and self._order.what:
            what = f"{self._order.what}, {what}"
        return Order(recipe, what=what)

    def _save(self, name: str) -> None:
        """Save the run as a folder that other commands read."""
        segment = self._whole_segment
        if not self._ended:
            self._trainer.save()
        folder = save_segment(segment, self._options, name, ended=self._ended)
        self._link.send({"kind": "saved", "folder": folder.path.name, "finished": self._ended})

    def _answer(self, message: Mapping[str, Any]) -> None:
        if self._view is None:
            raise ConfigError("Nothing is being trained yet.")
        reply = answer(message, self._view)
        self._link.send({**reply, "client": message.get("client")})


def _started(message: Mapping[str, Any]) -> LabRecipe:
    """Return the recipe that the page starts: a lesson's, or one of registered names."""
    if message.get("lesson"):
        return lesson(message["lesson"]).recipe
    if message.get("toml"):
        recipe = LabRecipe.parse(message["toml"])
    else:
        recipe = LabRecipe.read(message.get("recipe") or {})
    recipe.require_registered()
    return recipe
