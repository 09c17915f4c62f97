# SPDX-License-Identifier: MIT
"""The penalty of WGAN-LP: slopes above one are penalized, smaller ones are left alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field

from ganbench.moving import Number
from ganbench.registry import register
from ganbench.trick import Terms, Trick
from ganbench.tricks.gradient_penalty import gradients_between, row_norms
from ganbench.turn import Turn


@register("lipschitz-penalty")
@dataclass(frozen=True)
class LipschitzPenalty(Trick):
    """Penalizes the norm of the critic's gradient above a limit between real and fake examples.

    Paper: Petzka, Fischer and Lukovnikov, 2018, arXiv:1709.08894

    Adds ``weight * E max(0, |grad D(x)| - limit)^2`` to the discriminator's loss, at points x drawn
    uniformly on lines from a real to a fake example; ``limit`` is 1 in the paper. A 1-Lipschitz
    critic need not have slope one there, which the two-sided penalty (``gradient-penalty``) asks
    for; so this one tolerates large weights.
    """

    weight: Annotated[Number, Field(ge=0)] = 10.0
    limit: Annotated[float, Field(ge=0)] = 1.0

    neutral: ClassVar = {"weight": 0.0}
    differentiates: ClassVar = True

    def discriminator_terms(self, turn: Turn) -> Terms:
        """Return the penalty, or nothing at a weight of zero."""
        weight = turn.state.now(self.weight)
        if not weight:
            return {}
        excess = (row_norms(gradients_between(turn, self)) - self.limit).relu()
        return {"penalty": weight * excess.square().mean()}
