# SPDX-License-Identifier: MIT
"""Lookahead-minmax: both players move ahead, then return part of the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import nn

from ganbench.moving import Number
from ganbench.registry import register
from ganbench.state import State
from ganbench.trick import Trick, TrickState
from ganbench.turn import Turn


@register("lookahead")
@dataclass(frozen=True)
class Lookahead(Trick):
    """Moves both players back toward where they were some updates ago.

    Paper: Chavdarova et al., 2021, arXiv:2006.14567

    After every ``steps`` (k) updates of the generator, for both players at once:
    ``theta <- slow + alpha * (theta - slow)``, which becomes the new ``slow``. Usual values are
    5 and 0.5. The optimizers' moments and the networks' buffers stay as they are.
    """

    steps: Annotated[int, Field(ge=1)] = 5
    alpha: Annotated[Number, Field(gt=0, le=1)] = 0.5

    neutral: ClassVar = {"alpha": 1.0}

    def start(self, state: State) -> TrickState:
        """Keep copies of the weights from which the players start."""
        return {name: weight.detach().clone() for name, weight in _weights(state)}

    @torch.no_grad()
    def after_step(self, turn: Turn) -> None:
        """Move back once the generator has made ``steps`` updates."""
        state = turn.state
        if turn.role != "generator" or state.updates["generator"] % self.steps:
            return
        alpha = state.now(self.alpha)
        for name, weight in _weights(state):
            slow = state.tensor_of(self, name)
            slow.lerp_(weight, alpha)  # exact at alpha = 1
            weight.copy_(slow)


def _weights(state: State) -> Iterator[tuple[str, nn.Parameter]]:
    """Yield every weight that training moves, with its name in the trick's memory."""
    for role in state.updates:
        for index, weight in enumerate(state.parameters(role)):
            yield f"{role}/{index}", weight
