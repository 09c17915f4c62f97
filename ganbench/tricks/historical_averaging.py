# SPDX-License-Identifier: MIT
"""Historical averaging: weights stay near the mean of all their past values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from pydantic import Field

from ganbench.gan import Role
from ganbench.moving import Number
from ganbench.registry import register
from ganbench.state import State
from ganbench.trick import Terms, Trick, TrickState, refusal
from ganbench.turn import Turn


@register("historical-averaging")
@dataclass(frozen=True)
class HistoricalAveraging(Trick):
    """Penalizes the distance of each player's weights from the mean of their past values.

    Paper: Salimans et al., 2016, arXiv:1606.03498

    Adds ``weight * |theta - mean|^2`` to the loss of each player; the mean is that of the weights
    with which the trick begins and of the weights after each update since. The paper gives no
    weight.
    """

    weight: Annotated[Number, Field(ge=0)] = 1.0

    neutral: ClassVar = {"weight": 0.0}

    def start(self, state: State) -> TrickState:
        """Start with the initial weights.

        Raises:
            ConfigError: The generator meets a discriminator with other weights than its own.
        """
        if others := state.tricks.having("opponent"):
            raise refusal(
                "historical-averaging",
                others,
                "historical-averaging knows the past of the discriminator's own weights only, and "
                "{others} gives it others.",
            )
        memory: TrickState = {
            f"{role}/{index}": weight.detach().clone()
            for role in state.updates
            for index, weight in enumerate(state.parameters(role))
        }
        for role in state.updates:
            memory[f"{role}/count"] = torch.ones((), device=state.device)
        return memory

    def discriminator_terms(self, turn: Turn) -> Terms:
        """Return the penalty on the discriminator's weights, or nothing at a weight of zero."""
        return self._penalty(turn.state, "discriminator")

    def generator_terms(self, turn: Turn) -> Terms:
        """Return the penalty on the generator's weights, or nothing at a weight of zero."""
        return self._penalty(turn.state, "generator")

    def _penalty(self, state: State, role: Role) -> Terms:
        weight = state.now(self.weight)
        if not weight:
            return {}
        distances = [
            (value - state.tensor_of(self, f"{role}/{index}")).square().sum()
            for index, value in enumerate(state.parameters(role))
        ]
        return {"penalty": weight * torch.stack(distances).sum()}

    @torch.no_grad()
    def after_step(self, turn: Turn) -> None:
        """Add the weights that have just moved to their mean."""
        state = turn.state
        count = state.tensor_of(self, f"{turn.role}/count")
        count += 1
        for index, value in enumerate(state.parameters(turn.role)):
            state.tensor_of(self, f"{turn.role}/{index}").lerp_(value, (1 / count).to(value))
