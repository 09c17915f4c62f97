# SPDX-License-Identifier: MIT
"""A lab: the hub of its pages, and the processes that train, one for each side of the page."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ganbench.errors import ConfigError
from ganbench.lab.lab_hub import Hub, Page
from ganbench.lab.lab_options import LabOptions
from ganbench.lab.lab_recipe import OWN_POINTS, LabRecipe
from ganbench.lab.lockstep import Lockstep
from ganbench.lab.trainer_process import TrainerProcess
from ganbench.lab.wire import frame_header
from ganbench.records.json_values import parse_json, strict_json

_ANEW = ("reset", "start", "data")
"""What begins another run, also where the process that trained is gone."""

_OF_BOTH = ("hello", "diagnosis", "error")
"""What the page is told of the second side, too."""

_GOES_ON = ("play", "step", "set")
"""What two runs in step cannot do after one of them has stopped."""


@dataclass(frozen=True)
class _Change:
    """A change that both of two runs make, or neither."""

    message: Mapping[str, Any]
    fits: set[str] = field(default_factory=set)
    """The sides that have said that they can make it."""


class Lab:
    """What pages talk to: it sends each message where it belongs.

    Args:
        recipe: What is trained first.
        options: How it is computed.
    """

    def __init__(self, recipe: Mapping[str, Any], options: LabOptions) -> None:
        self.hub = Hub()
        self._recipe = recipe
        self._options = options
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lockstep: Lockstep | None = None
        self._changes: list[_Change] = []
        """Those that were asked for while two runs go in step, in their order."""
        self._trainers = {"a": TrainerProcess(recipe, options)}

    def listen(self, loop: asyncio.AbstractEventLoop) -> None:
        """Hand over what the trainer sends, in an event loop."""
        self._loop = loop
        self._listen_to("a")

    def end(self) -> None:
        """End all processes."""
        for trainer in self._trainers.values():
            trainer.end()

    def hear(self, page: Page, message: Mapping[str, Any]) -> None:
        """Do what a page asks for.

        Raises:
            ConfigError: It cannot be done.
        """
        kind = message["kind"]
        if kind == "ack":
            page.acknowledge(message["side"])
        elif kind == "seek":
            self.hub.seek(page, message["frame"])
        elif kind == "side":
            self._off() if message.get("off") else self._show_beside(message)
        elif not self._trainers["a"].alive:
            if kind in _ANEW:
                self._start_again()
                if kind != "reset":
                    self._send({**message, "client": page.number})
        elif self._lockstep is not None:
            self._hear_in_step(self._lockstep, page, message)
        else:
            self._send({**message, "client": page.number})

    # -- one side ------------------------------------------------------------------------------

    def _send(self, message: Mapping[str, Any]) -> None:
        """Send a message to every side."""
        for trainer in list(self._trainers.values()):
            trainer.send(message)

    def _start_again(self) -> None:
        """Start another process where the one before is gone."""
        self._off()
        self._trainers["a"].end()
        recipe = self.hub.recipe or self._recipe
        if recipe["dataset"] == OWN_POINTS:  # which are gone with the process
            recipe = self._recipe
        self._trainers["a"] = TrainerProcess(recipe, self._options)
        self._listen_to("a")

    def _listen_to(self, side: str) -> None:
        """Hand over what the trainer of a side sends, in the event loop."""
        loop = self._loop
        assert loop is not None
        trainer = self._trainers[side]

        def act_on(act: Callable[[str, Any], None], value: Any) -> None:
            if self._trainers.get(side) is trainer:  # no other process has taken its place since
                act(side, value)

        def soon(act: Callable[[str, Any], None]) -> Callable[[Any], None]:
            def later(value: Any) -> None:
                with contextlib.suppress(RuntimeError):  # the loop has been closed
                    loop.call_soon_threadsafe(act_on, act, value)

            return later

        trainer.listen(soon(self._frame_came), soon(self._text_came), soon(self._ended))

    def _frame_came(self, side: str, frame: bytes) -> None:
        self.hub.frame_came(frame)
        if self._lockstep is not None:
            self._lockstep.shown(side, int(frame_header(frame)["iteration"]))

    def _text_came(self, side: str, data: bytes) -> None:
        message = parse_json(data)
        if message["kind"] == "fits":
            self._fits(side, message["check"])
            return
        if self._lockstep is not None and message["kind"] == "state":
            message = self._state_in_step(self._lockstep, side, message)
        if side == "b":
            if message["kind"] in _OF_BOTH:
                self.hub.side_came(message)
            return
        if self._lockstep is not None and message["kind"] == "hello":
            message["sides"] = 2
        self.hub.text_came(message)

    def _ended(self, side: str, reason: str) -> None:
        if side == "a":
            self.hub.ended(reason)
        else:
            self._off()
            message = f"The second side has stopped. {reason}"
            self.hub.tell_all(strict_json({"kind": "error", "message": message, "hint": ""}))

    # -- two sides -----------------------------------------------------------------------------

    def _state_in_step(
        self, lockstep: Lockstep, side: str, message: dict[str, Any]
    ) -> dict[str, Any]:
        """Take note of the state of a side, and return it as the state of both."""
        state = message["state"]
        if state == "starting":
            lockstep.started(side)
            return message
        if state in {"ended", "failed"}:
            lockstep.stop(side, state, message["reason"])
            if side == "b":
                self.hub.retell_state(**lockstep.state)
        return {**message, **lockstep.state}

    def _show_beside(self, message: Mapping[str, Any]) -> None:
        """Start both sides together: the recipe as it is, and the same with other tricks."""
        assert self._loop is not None
        if self.hub.recipe is None:
            raise ConfigError("Nothing is being trained yet.")
        if self.hub.recipe["dataset"] == OWN_POINTS:  # which the process of the first side has
            raise ConfigError(
                "Your own points are trained on one side only.", "Choose a dataset by name."
            )
        recipe = LabRecipe.read(self.hub.recipe).changed("tricks", list(message["tricks"]))
        LabRecipe(tricks=recipe.tricks).require_registered()
        self._off()
        self._trainers["b"] = TrainerProcess(recipe.values(), self._options, "b")
        self._listen_to("b")
        self._lockstep = Lockstep(self._send, self._loop.call_later, time.perf_counter)
        self._lockstep.begin()
        self._changes.clear()
        self._trainers["a"].send({"kind": "speed", "updates_per_second": None})  # of one run alone
        self._trainers["a"].send({"kind": "reset"})

    def _off(self) -> None:
        """Take the second side away; the first goes on alone, paused."""
        self._lockstep = None
        trainer = self._trainers.pop("b", None)
        if trainer is not None:
            trainer.end()
            self.hub.forget_other_side()
            self._send({"kind": "until", "iteration": None})
            self._send({"kind": "pause"})

    def _fits(self, side: str, check: int) -> None:
        """Take note that a side can make a change; once both can, let both make it."""
        if self._lockstep is not None and check < len(self._changes):
            change = self._changes[check]
            change.fits.add(side)
            if change.fits == set(self._trainers):
                self._send(change.message)

    def _hear_in_step(self, lockstep: Lockstep, page: Page, message: Mapping[str, Any]) -> None:
        """Do what a page asks of both sides."""
        kind = message["kind"]
        if lockstep.stopped and kind in _GOES_ON:
            raise ConfigError(
                "One of the two runs has stopped, so the other cannot go on in step.",
                "Reset both, or take one side away.",
            )
        if kind in {"play", "pause"}:
            lockstep.play() if kind == "play" else lockstep.pause()
            self.hub.retell_state(**lockstep.state)
        elif kind == "step":
            if message["turn"] == "both":
                lockstep.step()
            else:
                lockstep.take_turn(message)
            self.hub.retell_state(**lockstep.state)
        elif kind == "speed":
            lockstep.updates_per_second = message["updates_per_second"]
            self.hub.retell_state(speed=message["updates_per_second"])
        elif kind == "fork":
            raise ConfigError("Two runs in step cannot be forked.", "Take one side away first.")
        elif kind == "set" and message["key"] == "tricks":
            raise ConfigError("Choose the tricks of the other side instead.")
        elif kind == "reset":
            lockstep.begin()
            self._send(message)
        elif kind == "set":
            change = {**message, "client": page.number}
            self._send({**change, "kind": "check", "check": len(self._changes)})
            self._changes.append(_Change(change))
        elif kind == "slow":
            self._send({**message, "client": page.number})
        else:
            if kind in _ANEW:
                self._off()
            self._trainers["a"].send({**message, "client": page.number})
