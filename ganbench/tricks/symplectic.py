# SPDX-License-Identifier: MIT
"""Symplectic gradient adjustment: the rotation of the game pulls inward instead of around."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from ganbench.config import Recipe
from ganbench.gan import GAN, Batch, DataSpec
from ganbench.moving import Number
from ganbench.registry import register
from ganbench.state import State
from ganbench.step import OBJECTIVES
from ganbench.trick import StepRule, Trick, TrickState
from ganbench.tricks.consensus import both_turns, require_equal_steps, require_own_game
from ganbench.turn import Turn

_ALIGNMENT = 0.1
"""What is added to the alignment before its sign is taken, so that near zero the sign is plus."""


@register("symplectic")
@dataclass(frozen=True)
class Symplectic(Trick):
    """Moves both players at once, along gradients that the rotation of the game adjusts.

    Paper: Balduzzi et al., 2018, arXiv:1802.05642

    ``w <- w - eta (F + lambda A^T F)``, where F holds each player's gradient of its own objective,
    penalties included, J is the derivative of F, and ``A = (J - J^T) / 2``. lambda is ``weight``
    times the sign of ``<F, J^T F> <A^T F, J^T F> / d + 0.1`` with d weights, so that the
    adjustment draws toward stable points and away from others; without ``align`` it is ``weight``.
    The more weights, the rarer is a minus; the authors' code divides by the number of tensors.
    The players' own optimizers make the moves.
    """

    weight: Annotated[Number, Field(ge=0)] = 1.0
    align: bool = True

    def check(self, gan: GAN, recipe: Recipe, data: DataSpec) -> None:
        """Refuse unequal numbers of steps, because both players move at once.

        Raises:
            ConfigError: A player makes more than one step in an iteration.
        """
        require_equal_steps("symplectic", recipe)

    def start(self, state: State) -> TrickState:
        """Refuse other orders of the updates, and fakes that are not the generator's own.

        Raises:
            ConfigError: A trick replaces the order of the updates, or some of the fakes, or torch
                cannot differentiate a trick's terms often enough.
        """
        require_own_game("symplectic", self, state)
        return {}

    def step_rule(self, rule: StepRule) -> StepRule:
        """Replace alternation."""
        return self._iterate

    def _iterate(self, state: State, next_batch: Callable[[], Batch]) -> None:
        """Make one iteration for both players."""
        discriminator, generator = turns = both_turns(state, next_batch())
        with state.casting():
            for turn in turns:
                turn.terms = OBJECTIVES[turn.role](turn)
            game = _Game(discriminator, generator)
            strength = state.now(self.weight) * (game.alignment() if self.align else 1.0)
        for turn, adjustment in zip(turns, game.adjustments, strict=True):
            turn.terms["symplectic/adjustment"] = strength * adjustment
            state.backward(turn, retain_graph=turn is discriminator)
        for turn in turns:
            state.descend(turn)


class _Game:
    """Both players' gradients at one point, and what adjusts them.

    For a player 1 with the objective l1, and the other player's gradient F2 held fixed, the
    adjustment is ``(A^T F)_1 = grad_1 <grad_2 (l2 - l1), F2> / 2``: derivatives of two orders.
    """

    def __init__(self, *turns: Turn) -> None:
        self.state = turns[0].state
        self.weights = [list(self.state.parameters(turn.role)) for turn in turns]
        losses = [torch.stack(list(turn.terms.values())).sum() for turn in turns]
        self.own = [
            _gradients(loss, weights) for loss, weights in zip(losses, self.weights, strict=True)
        ]
        # If several processes share the batch, these are the gradients of the whole batch.
        self.fixed = [self._averaged(gradients) for gradients in self.own]
        others = [
            _gradients(loss, weights)
            for loss, weights in zip(losses, reversed(self.weights), strict=True)
        ]  # of each player's objective, in the other's weights
        self.adjustments = [
            0.5 * (_product(self.own[1], self.fixed[1]) - _product(others[0], self.fixed[1])),
            0.5 * (_product(self.own[0], self.fixed[0]) - _product(others[1], self.fixed[0])),
        ]
        """The scalars whose gradients, in each player's weights, are A^T F."""

    def alignment(self) -> Tensor:
        """Return the sign that lambda has here, as a scalar."""
        norm = _product(self.own[0], self.fixed[0]) + _product(self.own[1], self.fixed[1])
        slopes = [self._averaged(_gradients(norm, weights)) for weights in self.weights]  # J^T F
        turned = [
            self._averaged(_gradients(adjustment, weights))
            for adjustment, weights in zip(self.adjustments, self.weights, strict=True)
        ]  # A^T F
        descent = sum(_product(*pair) for pair in zip(self.fixed, slopes, strict=True))
        inward = sum(_product(*pair) for pair in zip(turned, slopes, strict=True))
        count = sum(weight.numel() for weights in self.weights for weight in weights)
        return torch.sign(torch.as_tensor(descent * inward / count + _ALIGNMENT))

    def _averaged(self, gradients: Sequence[Tensor]) -> list[Tensor]:
        """Return gradients of the whole batch, which nothing differentiates."""
        return self.state.group.average([gradient.detach() for gradient in gradients])


def _gradients(value: Tensor, weights: Sequence[Tensor]) -> list[Tensor]:
    """Return the gradient of a scalar in each of some weights, which can be differentiated."""
    gradients = torch.autograd.grad(
        value, weights, create_graph=True, allow_unused=True, materialize_grads=True
    )
    return list(gradients)


def _product(first: Sequence[Tensor], second: Sequence[Tensor]) -> Tensor:
    """Return the inner product of two lists of tensors."""
    return torch.stack([(a * b).sum() for a, b in zip(first, second, strict=True)]).sum()
