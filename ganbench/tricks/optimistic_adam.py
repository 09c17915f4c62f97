# SPDX-License-Identifier: MIT
"""Optimistic Adam: each move also corrects the previous one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor
from torch.optim import Optimizer

from ganbench.gan import Role
from ganbench.moving import Number
from ganbench.registry import register
from ganbench.state import State
from ganbench.trick import Trick

LAST_MOVE = "last_move"
"""The key of the last move in the optimizer's state, which is saved and resumed."""


@register("optimistic-adam")
@dataclass(frozen=True)
class OptimisticAdam(Trick):
    """Makes both players' optimizers anticipate: each move counts twice, minus the previous one.

    Paper: Daskalakis et al., 2018, arXiv:1711.00141

    ``theta <- theta + move_t + amount * (move_t - move_(t-1))``, where ``move_t`` is the move of
    the player's own optimizer (Adam in the paper; SGD gives optimistic mirror descent) and
    ``move_0`` is 0. ``amount`` is 1 in the paper.
    """

    amount: Annotated[Number, Field(ge=0)] = 1.0

    neutral: ClassVar = {"amount": 0.0}

    def optimizer(self, optimizer: Optimizer, role: Role, state: State) -> Optimizer:
        """Register hooks before and after each step of the optimizer."""
        before: dict[Tensor, Tensor] = {}

        @torch.no_grad()
        def remember(moving: Optimizer, args: Any, options: Any) -> None:
            # A weight without a gradient does not move. Giving it a state would also keep Adam
            # from creating its own when the first gradient comes.
            before.update({weight: weight.clone() for weight in _with_gradient(moving)})

        @torch.no_grad()
        def anticipate(moving: Optimizer, args: Any, options: Any) -> None:
            amount = state.now(self.amount)
            for weight, start in before.items():
                move = weight - start
                last = moving.state[weight].get(LAST_MOVE)
                weight.add_(move if last is None else move - last, alpha=amount)
                moving.state[weight][LAST_MOVE] = move
            before.clear()

        optimizer.register_step_pre_hook(remember)
        optimizer.register_step_post_hook(anticipate)
        return optimizer


def _with_gradient(optimizer: Optimizer) -> list[Tensor]:
    """Return the weights that the optimizer is about to move."""
    return [
        weight
        for group in optimizer.param_groups
        for weight in group["params"]
        if weight.grad is not None
    ]
