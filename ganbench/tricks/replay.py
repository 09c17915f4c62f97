# SPDX-License-Identifier: MIT
"""Replay: the discriminator does not forget what the generator made before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from pydantic import Field

from ganbench.errors import ConfigError
from ganbench.gan import Batch
from ganbench.registry import register
from ganbench.state import State
from ganbench.trick import Trick, TrickState
from ganbench.turn import Turn

_PARTS = ("images", "labels", "source", "latents")


@register("replay")
@dataclass(frozen=True)
class Replay(Trick):
    """Shows the discriminator fakes of earlier updates next to new ones.

    Paper: Shrivastava et al., 2017, arXiv:1612.07828

    A ``share`` of each batch of fakes, 0.5 in the paper, is drawn from a buffer, with the labels
    and latents of those fakes. After each update of the discriminator the new fakes of its batch
    enter the buffer: while there is room at its end, then at random places, so that the age of what
    it holds is distributed geometrically. ``capacity`` is in examples, all of them in memory and in
    checkpoints. The generator learns from its new fakes only.
    """

    share: Annotated[float, Field(ge=0, lt=1)] = 0.5
    capacity: Annotated[int, Field(ge=1)] = 1024

    neutral: ClassVar = {"share": 0.0}

    def start(self, state: State) -> TrickState:
        """Start with an empty buffer; what the fakes do not have stays empty."""
        return {name: torch.empty(0, device=state.device) for name in _PARTS}

    def fakes(self, batch: Batch, turn: Turn) -> Batch:
        """Replace the last fakes of a batch by earlier ones.

        Raises:
            ConfigError: The generator returns more than examples, which the buffer does not keep.
        """
        if batch.made is not None:
            raise ConfigError(
                "replay keeps examples, and this model's generator returns more than examples.",
                "Remove the trick: --trick replay:off",
            )
        buffer = self._buffer(turn.state)
        new = self._new(batch)
        if not len(buffer) or new == len(batch):
            return batch
        group, stream = turn.state.group, turn.random(self)
        size = ((len(batch) - new) * group.size,)
        places = torch.randint(len(buffer), size, generator=stream, device=stream.device)
        group.broadcast([places])
        old = buffer.take(group.shard(places))
        return Batch.join([batch.take(torch.arange(new, device=places.device)), old])

    @torch.no_grad()
    def after_step(self, turn: Turn) -> None:
        """Put the new fakes into the buffer."""
        batch = turn.fake.batch
        if turn.role != "discriminator" or not self.share:
            return
        state = turn.state
        new = batch.take(torch.arange(self._new(batch), device=state.device))
        parts = {name: getattr(new, name) for name in _PARTS if getattr(new, name) is not None}
        # Gathered, because the processes' buffers must be the same.
        parts = {name: state.group.gather(part).flatten(0, 1) for name, part in parts.items()}
        held = len(self._buffer(state))
        room = self.capacity - held
        overwritten = min(max(0, len(parts["images"]) - room), held)
        stream = turn.random(self)
        places = torch.randperm(held, generator=stream, device=stream.device)[:overwritten]
        state.group.broadcast([places])
        for name, part in parts.items():
            buffer = state.tensor_of(self, name) if held else part[:0]
            buffer[places] = part[room : room + overwritten]
            if room:
                state.memory_of(self)[name] = torch.cat([buffer, part[:room]])

    def _new(self, batch: Batch) -> int:
        """Return how many of a batch's fakes are new: those at its start."""
        return len(batch) - round(self.share * len(batch))

    def _buffer(self, state: State) -> Batch:
        """Return what the buffer holds."""
        images, *others = (state.tensor_of(self, name) for name in _PARTS)
        return Batch(images, *(other if len(other) else None for other in others))
