# SPDX-License-Identifier: MIT
"""A lab: the hub of its pages, and the processes that train, one for each side of the page."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from typing import Any

from ganbench.errors import ConfigError
from ganbench.lab.lab_hub import Hub, Page
from ganbench.lab.lab_options import LabOptions
from ganbench.lab.lab_recipe import OWN_POINTS, LabRecipe
from ganbench.lab.lockstep import Lockstep
from ganbench.lab.trainer_process import TrainerProcess
from ganbench.lab.wire import frame_header
from ganbench.records.json_values import parse_json

_ANEW = ("reset", "start", "data")
"""What begins another run, also where the process that trained is gone."""

_OF_BOTH = ("hello", "diagnosis", "error")
"""What the page is told of the second side, too."""


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
            page.acknowledge()
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

        def soon(act: Callable[[str, Any], None]) -> Callable[[Any], None]:
            def later(value: Any) -> None:
                with contextlib.suppress(RuntimeError):  # the loop has been closed
                    loop.call_soon_threadsafe(act, side, value)

            return later

        trainer = self._trainers[side]
        trainer.listen(soon(self._frame_came), soon(self._text_came), soon(self._ended))

    def _frame_came(self, side: str, frame: bytes) -> None:
        if side not in self._trainers:  # it was sent before the side was taken away
            return
        self.hub.frame_came(frame)
        if self._lockstep is not None:
            self._lockstep.shown(side, int(frame_header(frame)["iteration"]))

    def _text_came(self, side: str, data: bytes) -> None:
        message = parse_json(data)
        if side == "b":
            if message["kind"] in _OF_BOTH and side in self._trainers:
                self.hub.side_came(message)
            return
        if self._lockstep is not None:
            if message["kind"] == "hello":
                message["sides"] = 2
            if message.get("state") in {"playing", "paused"}:
                message["state"] = "playing" if self._lockstep.playing else "paused"
        self.hub.text_came(message)

    def _ended(self, side: str, reason: str) -> None:
        trainer = self._trainers.get(side)
        if trainer is None or trainer.alive:  # another process has taken its place
            return
        if side == "a":
            self.hub.ended(reason)
        else:
            self._off()

    # -- two sides -----------------------------------------------------------------------------

    def _show_beside(self, message: Mapping[str, Any]) -> None:
        """Start both sides together: the recipe as it is, and the same with other tricks."""
        assert self._loop is not None
        if self.hub.recipe is None:
            raise ConfigError("Nothing is being trained yet.")
        recipe = LabRecipe.read(self.hub.recipe).changed("tricks", list(message["tricks"]))
        LabRecipe(tricks=recipe.tricks).require_registered()
        self._off()
        self._trainers["b"] = TrainerProcess(recipe.values(), self._options, "b")
        self._listen_to("b")
        self._lockstep = Lockstep(self._send, self._loop.call_later, time.perf_counter)
        self._lockstep.begin()
        self._trainers["a"].send({"kind": "reset"})

    def _off(self) -> None:
        """Take the second side away; the first goes on alone, paused."""
        self._lockstep = None
        trainer = self._trainers.pop("b", None)
        if trainer is not None:
            trainer.end()
            self.hub.forget_side("b")
            self._send({"kind": "until", "iteration": None})
            self._send({"kind": "pause"})

    def _hear_in_step(self, lockstep: Lockstep, page: Page, message: Mapping[str, Any]) -> None:
        """Do what a page asks of both sides."""
        kind = message["kind"]
        if kind in {"play", "pause"}:
            lockstep.play() if kind == "play" else lockstep.pause()
            self.hub.retell_state(state="playing" if lockstep.playing else "paused")
        elif kind == "step":
            if message["turn"] == "both":
                lockstep.step()
            else:
                lockstep.turn_taken()
                self._send(message)
            self.hub.retell_state(state="paused")
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
        elif kind in {"set", "slow"}:
            self._send({**message, "client": page.number})
        else:
            if kind in _ANEW:
                self._off()
            self._trainers["a"].send({**message, "client": page.number})
