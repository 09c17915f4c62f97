# SPDX-License-Identifier: MIT
"""Consensus optimization: both players also seek points where neither has a slope."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from ganbench.config import Recipe
from ganbench.errors import ConfigError
from ganbench.gan import GAN, Batch, DataSpec
from ganbench.moving import Number
from ganbench.nn.synchronized import has_batch_norm
from ganbench.registry import register
from ganbench.state import State
from ganbench.step import OBJECTIVES
from ganbench.trick import StepRule, Trick, TrickState, refusal
from ganbench.turn import Turn


@register("consensus")
@dataclass(frozen=True)
class Consensus(Trick):
    """Moves both players at once, and adds half the squared norm of both gradients to both losses.

    Paper: Mescheder, Nowozin and Geiger, 2017, arXiv:1705.10461

    ``w <- w - eta (F + weight * grad |F|^2 / 2)``, where F holds each player's gradient of its own
    objective, penalties included, on the same batch. ``weight`` (gamma) is 10 in the authors' code;
    |F|^2 grows with the number of weights. The players' own optimizers make the moves.
    """

    weight: Annotated[Number, Field(ge=0)] = 1.0

    def check(self, gan: GAN, recipe: Recipe, data: DataSpec) -> None:
        """Refuse unequal numbers of steps, because both players move at once.

        Raises:
            ConfigError: A player makes more than one step in an iteration.
        """
        require_equal_steps("consensus", recipe)

    def start(self, state: State) -> TrickState:
        """Refuse other orders of the updates, and fakes that are not the generator's own.

        Raises:
            ConfigError: A trick replaces the order of the updates, or some of the fakes, or torch
                cannot differentiate a trick's terms often enough.
        """
        require_own_game("consensus", self, state)
        return {}

    def step_rule(self, rule: StepRule) -> StepRule:
        """Replace alternation."""
        return self._iterate

    def _iterate(self, state: State, next_batch: Callable[[], Batch]) -> None:
        """Make one iteration of consensus optimization for both players."""
        discriminator, _ = turns = both_turns(state, next_batch())
        with state.casting():
            for turn in turns:
                turn.terms = OBJECTIVES[turn.role](turn)
            weight = state.now(self.weight)
            penalty = weight * torch.stack([_half_square(turn) for turn in turns]).sum()
        for turn in turns:
            turn.terms["consensus/penalty"] = penalty
            state.backward(turn, retain_graph=turn is discriminator)
        for turn in turns:
            state.descend(turn)


def require_equal_steps(name: str, recipe: Recipe) -> None:
    """Refuse unequal numbers of steps for a trick that moves both players at once.

    Raises:
        ConfigError: A player makes more than one step in an iteration.
    """
    steps = (recipe.discriminator_steps, recipe.generator_steps)
    if steps != (1, 1):
        raise ConfigError(
            f"{name} moves both players at once: discriminator_steps and "
            f"generator_steps must be 1 and 1, not {steps[0]} and {steps[1]}.",
            "Add --set recipe.discriminator_steps=1 --set recipe.generator_steps=1",
        )


def require_own_game(name: str, trick: Trick, state: State) -> None:
    """Refuse what changes the game that a trick differentiates, or what torch cannot differentiate.

    Raises:
        ConfigError: A trick replaces the order of the updates, or some of the fakes, or torch
            cannot differentiate a trick's terms often enough.
    """
    having = state.tricks.having
    others = [hooks for hooks in [*having("step_rule"), *having("fakes")] if hooks is not trick]
    if others:
        raise refusal(
            name,
            others,
            name + " differentiates the game of both players, which {others} would change.",
        )
    penalties = [hooks for hooks in having("discriminator_terms") if hooks.differentiates]
    others = [*penalties, *having("opponent")]
    if others and has_batch_norm(state.discriminator):
        raise refusal(
            name,
            others,
            name + " cannot differentiate through {others} in a discriminator with batch "
            "normalization, which has no third derivative in torch.",
        )
    others = [hooks for hooks in having("generator_terms") if hooks.differentiates]
    if others and has_batch_norm(state.generator):
        raise refusal(
            name,
            others,
            name + " cannot differentiate through {others} in a generator with batch "
            "normalization, which has no third derivative in torch.",
        )


def both_turns(state: State, batch: Batch) -> tuple[Turn, Turn]:
    """Return the discriminator's and the generator's turn at the same point, on the same fakes.

    The discriminator's gradient depends on the generator's weights through these fakes, and
    through what the generator made next to them.
    """
    generator = Turn(state, "generator", batch)
    fakes = generator.fake.batch
    return Turn(state, "discriminator", batch, beside=generator, fakes=fakes), generator


def _half_square(turn: Turn) -> Tensor:
    """Return half the squared norm of a player's gradient, which can be differentiated."""
    total = torch.stack(list(turn.terms.values())).sum()
    gradients = torch.autograd.grad(
        total, turn.state.parameters(turn.role), create_graph=True, allow_unused=True
    )
    # If several processes share the batch, this is the gradient of the whole batch.
    means = turn.state.group.average([part for part in gradients if part is not None])
    return 0.5 * torch.stack([mean.square().sum() for mean in means]).sum()
