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
from dataclasses import replace
from typing import Any

from ganbench.errors import ConfigError, GanbenchError
from ganbench.gan import Role
from ganbench.harness.run import Run
from ganbench.lab.lab_answers import answer_to
from ganbench.lab.lab_options import LabOptions
from ganbench.lab.lab_orders import Order, Orders
from ganbench.lab.lab_recipe import LabRecipe, texts_in
from ganbench.lab.pace import Pace
from ganbench.lab.saved_run import save_segment
from ganbench.lab.segments import Segment, Segments
from ganbench.lab.showing import Link, Showing
from ganbench.lab.slow_motion import slow_motion
from ganbench.step import update
from ganbench.training.trainer import Trainer

CAPTION_SECONDS = 1.25
"""How long a caption of slow motion stays."""

BOTH = "both"
"""The step in which both players take their turns: an iteration."""

_STATUS_WORDS = {
    "done": "The run has reached its end.",
    "diverged": "The run has diverged: a loss or a sample is no longer finite.",
    "collapsed": "The run has ended with all samples nearly the same.",
}


class LabSession:
    """Trains what is asked for, until the process ends.

    Args:
        link: The way to the server.
        options: How to compute, and where files are kept.
        side: The side of the page that shows it, ``a`` or ``b``.
        every: Show every n-th iteration, whatever the time; None leaves it to the time.
    """

    def __init__(
        self, link: Link, options: LabOptions, side: str = "a", every: int | None = None
    ) -> None:
        self._link = link
        self._options = options
        self._segments = Segments(options)
        self._pace = Pace(every=every)
        self._showing = Showing(link, self._segments, self._pace, side)
        self._orders = Orders(self._segments)
        self._recipe = LabRecipe()
        """The recipe that is trained, or was ordered last."""
        self._order: Order | None = None
        self._begins: tuple[Order, Segment] | None = None
        """What the next trainer carries out, until it is shown."""
        self._run: Run | None = None
        self._replay_until: int | None = None
        self._changes_of_fork: list[Mapping[str, Any]] = []
        """Changes that were asked for before a fork came to its frame, from which they are made."""
        self._slow = ExitStack()
        self._in_update = False
        """Whether an update is shown part by part now."""
        self._saves: list[Mapping[str, Any]] = []
        """Messages that asked to save in the middle of an update."""
        self.failure: GanbenchError | None = None
        """Why the last order could not be carried out."""

    # -- one run after the other ---------------------------------------------------------------

    def serve(self, recipe: LabRecipe) -> None:
        """Train a recipe, then whatever is asked for; this never returns.

        What the recipe names, such as data in a folder, the page may name as well.
        """
        self._orders.known |= set(texts_in(recipe.values()))
        self._put(Order(recipe))
        while True:
            if self._order is not None:
                self._carry_out(self._order)
            while self._order is None:
                self._listen(None)

    def _put(self, order: Order) -> None:
        """Let an order be carried out after the current iteration."""
        self._order, self._recipe = order, order.recipe
        self._changes_of_fork.clear()

    def _carry_out(self, order: Order) -> None:
        """Train what was ordered until its end, or until something else is ordered."""
        self._order = self.failure = None
        self._showing.failure = ""
        try:
            self._train(order)
        except GanbenchError as error:
            self.failure = error
            self._showing.failure = error.message
            self._pace.playing = False
            self._showing.tell_error(error)
            self._showing.tell_state()
        finally:
            self._slow.close()

    def _train(self, order: Order) -> None:
        showing = self._showing
        self._replay_until = None
        if order.frame is not None:
            segment = self._forked(order.frame)
        elif order.change and self._trainer.state.images_seen:
            state = self._trainer.state
            segment = self._segments.change(showing.segment, order.recipe, state)
        else:
            order = replace(order, change="")
            showing.start_over()
            showing.tell_state("starting")
            segment = self._segments.begin(order.recipe, order.source)
        showing.expect()
        self._begins = order, segment
        self._run = self._segments.run(segment, showing.diagnosis, self._attend)
        status = str(self._run.execute()["status"])
        if self._order is None:
            showing.diagnosis.ended(status)
            showing.ended, self._pace.playing = True, False
            self._pace.steps.clear()
            showing.show()
            self._save_what_waits()
            showing.tell_state("ended", _STATUS_WORDS.get(status, status))

    def _forked(self, frame: int) -> Segment:
        showing = self._showing
        iteration = showing.iteration_of.get(frame, 0)
        kept = self._segments.fork(frame, iteration)
        self._replay_until = max(kept.iteration, iteration)
        self._recipe = kept.segment.recipe
        showing.go_back(frame, kept.iteration)
        return kept.segment

    @property
    def _trainer(self) -> Trainer:
        """The trainer of the run.

        Raises:
            ConfigError: Nothing is trained, or not any more.
        """
        self._require_no_failure()
        if self._run is None or self._run.trainer is None:
            raise ConfigError("Nothing is being trained yet.")
        return self._run.trainer

    # -- before each iteration -----------------------------------------------------------------

    def _attend(self, trainer: Trainer) -> None:
        """Read messages, show a frame if one is due, wait while paused; then count."""
        showing = self._showing
        self._slow.close()
        if self._begins is not None:
            self._begin_showing(*self._begins, trainer)
        self._save_what_waits()
        self._listen(0.0)
        if not self._replays():
            if self._pace.frame_is_due(showing.iteration):
                showing.show()
            while self._order is None and self._stays(trainer):
                pass
            if self._order is not None:
                trainer.stop_requested = True
                return
            if self._pace.slow and showing.iteration:
                self._slow.enter_context(slow_motion(trainer.state, self._caption))
            self._pace.go()
        showing.iteration += 1

    def _replays(self) -> bool:
        """Tell whether a fork has yet to come to its frame; show that frame when it has."""
        if self._replay_until is None or self._order is not None:
            return False
        if self._showing.iteration < self._replay_until:
            return True
        self._replay_until = None
        self._showing.show()
        changes, self._changes_of_fork = self._changes_of_fork, []
        for change in changes:
            self._try(change)
        return False

    def _stays(self, trainer: Trainer) -> bool:
        """Wait for a message or for the time of the next iteration; return False to go on."""
        while self._pace.steps and self._pace.steps[0] != BOTH:
            self._take_turn(trainer, self._pace.steps.popleft())
        if self._pace.stands(self._showing.iteration):
            self._showing.show()
            self._listen(None)
            return True
        seconds = self._pace.wait_seconds()
        if seconds > 0:
            self._listen(min(seconds, 0.1))
        return seconds > 0

    def _begin_showing(self, order: Order, segment: Segment, trainer: Trainer) -> None:
        """Announce a run, a change or a fork, and keep its beginning."""
        showing, self._begins = self._showing, None
        showing.begin(segment, trainer)
        if order.change:
            showing.tell_event(order.change)
        elif order.frame is None:
            showing.greet()
        else:
            showing.tell_recipe()
        if order.frame is None:
            showing.keep(pinned=True)
            showing.show()
        showing.tell_state()

    def _take_turn(self, trainer: Trainer, player: str) -> None:
        """Let one player alone make an update, which no command repeats."""
        showing = self._showing
        showing.show()
        role: Role = "generator" if player == "generator" else "discriminator"
        if role == "discriminator":
            batch = trainer.next_batch()
        else:
            batch = trainer.batches.at(trainer.state.images_seen)
        update(trainer.state, role, batch)
        segment = showing.segment.after_turn()
        segment.record()
        assert self._run is not None
        self._run.plan = segment.plan  # which its result will state
        showing.changed(segment)
        showing.iteration += 1
        showing.keep(pinned=True)
        showing.show()
        showing.tell_event(f"Only the {role} took its turn.")

    def _caption(self, caption: str, role: Role) -> None:
        """Show a part of an update, and leave time to read what it is."""
        pace = self._pace
        if self._order is not None or not pace.slow:
            return
        self._showing.show(caption, role)
        until = time.perf_counter() + CAPTION_SECONDS
        self._in_update = True
        while self._order is None and pace.slow:
            if pace.steps:
                pace.steps.popleft()
                break
            seconds = until - time.perf_counter()
            if pace.playing and seconds <= 0:
                break
            self._listen(max(seconds, 0.001) if pace.playing else None)
        self._in_update = False

    # -- what is heard -------------------------------------------------------------------------

    def _listen(self, seconds: float | None) -> None:
        """Do what messages ask for: one that comes in that time, and all that wait."""
        message = self._link.receive(seconds)
        while message is not None:
            if message["kind"] == "set" and self._forks():
                self._changes_of_fork.append(message)
            else:
                self._try(message)
            message = self._link.receive(0.0)

    def _forks(self) -> bool:
        """Tell whether a fork was ordered and has yet to come to its frame."""
        ordered = self._order is not None and self._order.frame is not None
        return ordered or self._replay_until is not None

    def _try(self, message: Mapping[str, Any]) -> None:
        """Do what a message asks for, or say why it cannot be done."""
        try:
            self._hear(message)
        except GanbenchError as error:
            self._showing.tell_error(error, message.get("client"))

    def _hear(self, message: Mapping[str, Any]) -> None:
        """Do what a message asks for, or put the order that it is.

        Raises:
            GanbenchError: It cannot be done.
        """
        kind, showing = message["kind"], self._showing
        if kind in {"play", "pause", "step", "slow", "speed"}:
            self._hear_pace(kind, message)
            showing.tell_state()
        elif kind == "set":
            self._put(self._change(message))
        elif kind == "check":
            self._change(message)
            self._link.send({"kind": "fits", "check": message["check"]})
        elif kind == "fork":
            frame = message["frame"]
            if frame >= showing.frame:
                raise ConfigError(f"There is no frame {frame} yet.")
            self._segments.kept_before(frame, showing.iteration_of.get(frame, 0))
            self._put(Order(showing.segment.recipe, frame=frame))
        elif kind in {"reset", "start", "data"}:
            self._put(self._orders.from_the_start(message, self._recipe))
        elif kind == "until":
            self._pace.until = message["iteration"]
        elif kind == "save" and self._in_update:
            self._saves.append(message)  # weights of half an update are of no run
        elif kind == "save":
            self._save(message["name"])
        elif kind == "code":
            showing.tell_code()
        else:
            reply = answer_to(message, showing.view)
            self._link.send({**reply, "client": message.get("client")})

    def _hear_pace(self, kind: str, message: Mapping[str, Any]) -> None:
        pace = self._pace
        if kind in {"play", "step"}:
            self._require_no_failure()
        if kind == "play":
            pace.playing = self._order is not None or not self._showing.ended
        elif kind == "pause":
            pace.playing = False
            pace.steps.clear()
        elif kind == "slow":
            pace.slow = message["on"]
        elif kind == "speed":
            pace.updates_per_second = message["updates_per_second"]
        else:
            pace.playing = False
            pace.steps.append(message["turn"])

    def _change(self, message: Mapping[str, Any]) -> Order:
        """Return the order of a change.

        Raises:
            GanbenchError: It cannot be made while the run goes on.
        """
        if self._showing.ended:
            raise ConfigError("The run has ended.", "Go back to an earlier frame first.")
        self._require_no_failure()
        return self._orders.change(
            message["key"],
            message["value"],
            recipe=self._recipe,
            segment=self._showing.segment,
            earlier=self._order,
        )

    def _require_no_failure(self) -> None:
        """Refuse what asks for a run that goes on.

        Raises:
            ConfigError: The last one has failed.
        """
        if self._showing.failure and self._order is None:
            raise ConfigError("Nothing is being trained.", "Start again.")

    def _save_what_waits(self) -> None:
        """Save as was asked in the middle of an update, which is complete now."""
        messages, self._saves = self._saves, []
        for message in messages:
            self._try(message)

    def _save(self, name: str) -> None:
        """Save the run as a folder that other commands read."""
        ended = self._showing.ended
        if not ended:
            self._trainer.save()
        folder = save_segment(self._showing.segment, self._options, name, ended=ended)
        self._link.send({"kind": "saved", "folder": folder.path.name, "finished": ended})
