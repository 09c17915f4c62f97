# SPDX-License-Identifier: MIT
"""Extragradient: both players look ahead before they move."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ganbench.config import Recipe
from ganbench.errors import ConfigError
from ganbench.gan import GAN, Batch, DataSpec, Role
from ganbench.registry import register
from ganbench.state import State
from ganbench.step import gradients
from ganbench.trick import StepRule, Trick
from ganbench.turn import Turn


@register("extragradient")
@dataclass(frozen=True)
class Extragradient(Trick):
    """Moves both players at once, by their gradients at the point to which a trial move leads.

    Paper: Gidel et al., 2019, arXiv:1802.10551

    ``w' = w - eta F(w)``, then ``w <- w - eta F(w')``, each with its own batch and with the
    players' own optimizers; Adam updates its moments in both (ExtraAdam, algorithm 4). One
    iteration shows the discriminator two batches.
    """

    def check(self, gan: GAN, recipe: Recipe, data: DataSpec) -> None:
        """Refuse unequal numbers of steps, because both players move at once.

        Raises:
            ConfigError: A player makes more than one step in an iteration.
        """
        steps = (recipe.discriminator_steps, recipe.generator_steps)
        if steps != (1, 1):
            raise ConfigError(
                "extragradient moves both players at once: discriminator_steps and "
                f"generator_steps must be 1 and 1, not {steps[0]} and {steps[1]}.",
                "Add --set recipe.discriminator_steps=1 --set recipe.generator_steps=1",
            )

    def step_rule(self, rule: StepRule) -> StepRule:
        """Replace alternation."""
        return extrapolate_then_move


def extrapolate_then_move(state: State, next_batch: Callable[[], Batch]) -> None:
    """Make one iteration of the extragradient method for both players."""
    roles: tuple[Role, Role] = ("discriminator", "generator")
    _both_gradients(state, next_batch())
    origin = {
        role: [weight.detach().clone() for weight in state.parameters(role)] for role in roles
    }
    for role in roles:
        state.move(role)  # a trial move, which does not count as an update
    turns = _both_gradients(state, next_batch())
    for role in roles:
        _put_back(state, role, origin[role])
    for turn in turns:
        state.descend(turn)


def _both_gradients(state: State, batch: Batch) -> tuple[Turn, Turn]:
    """Compute the gradients of both players at the same point: on the same examples."""
    discriminator = gradients(state, "discriminator", batch)
    return discriminator, gradients(state, "generator", batch, beside=discriminator)


@torch.no_grad()
def _put_back(state: State, role: Role, origin: list[Tensor]) -> None:
    """Undo the trial move of the weights, not of the optimizer's moments."""
    for weight, start in zip(state.parameters(role), origin, strict=True):
        weight.copy_(start)
