# SPDX-License-Identifier: MIT
"""EMA: samples are drawn with a running average of the generator's weights."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import nn

from ganbench.gan import Sampler
from ganbench.images_per_update import images_per_update
from ganbench.moving import Number
from ganbench.registry import register
from ganbench.state import State
from ganbench.trick import Trick, TrickState
from ganbench.turn import Turn


@register("ema")
@dataclass(frozen=True)
class EMA(Trick):
    """Averages the generator's weights exponentially; training does not see the average.

    Paper: Yazici et al., 2019, arXiv:1806.04498

    ``average <- beta * average + (1 - beta) * theta`` with
    ``beta = 0.5 ^ (images per update / half-life)``, so that its meaning does not depend on the
    batch size. ``half_life_kimg`` is in thousands of real images: 10 for short runs, 500 for long
    ones. The half-life is at most ``warm_up`` times the images seen (arXiv:2006.06676), so that
    the average forgets the start: with 0.05, a half-life of 10 kimg is reached after 200; 0 turns
    that off. Buffers, such as running means, are copied.
    """

    half_life_kimg: Annotated[Number, Field(ge=0)] = 10.0
    warm_up: Annotated[float, Field(ge=0)] = 0.05

    order: ClassVar[int] = 10  # after the tricks that move weights
    neutral: ClassVar = {"half_life_kimg": 0.0}

    def start(self, state: State) -> TrickState:
        """Start with a copy of the generator."""
        return {"generator": copy.deepcopy(state.generator).requires_grad_(False).eval()}

    @torch.no_grad()
    def after_step(self, turn: Turn) -> None:
        """Move the average toward the generator that has just moved."""
        if turn.role != "generator":
            return
        state = turn.state
        average = _average(self, state)
        share = 1.0 - self.beta(state)
        for mean, weight in zip(average.parameters(), state.generator.parameters(), strict=True):
            mean.lerp_(weight, share)  # exact at 1
        for copied, buffer in zip(average.buffers(), state.generator.buffers(), strict=True):
            copied.copy_(buffer)

    def beta(self, state: State) -> float:
        """Return the share of the average that an update keeps, from 0 to 1."""
        half_life = 1000 * state.now(self.half_life_kimg)
        if self.warm_up:
            half_life = min(half_life, self.warm_up * state.images_seen)
        if not half_life:
            return 0.0
        return float(0.5 ** (images_per_update(state, "generator") / half_life))

    def sampler(self, sampler: Sampler, state: State) -> Sampler:
        """Draw with the averaged generator."""
        return sampler.replace(generator=_average(self, state))


def _average(trick: EMA, state: State) -> nn.Module:
    average = state.memory_of(trick)["generator"]
    assert isinstance(average, nn.Module)
    return average
