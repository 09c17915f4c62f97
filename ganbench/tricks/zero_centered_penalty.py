# SPDX-License-Identifier: MIT
"""The zero-centered gradient penalty: the discriminator is made flat between real and fake."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field

from ganbench.moving import Number
from ganbench.registry import register
from ganbench.trick import Terms, Trick
from ganbench.tricks.gradient_penalty import gradients_between
from ganbench.turn import Turn


@register("zero-centered-penalty")
@dataclass(frozen=True)
class ZeroCenteredPenalty(Trick):
    """Penalizes the discriminator's gradient between real and fake examples.

    Paper: Thanh-Tung, Tran and Venkatesh, 2019, arXiv:1902.03984

    Adds ``weight * E |grad D(x)|^2`` to the discriminator's loss, at points x drawn uniformly on
    lines from a real to a fake example, so that it does not overfit to single examples of either
    kind. The gradient is that of the logit; in the authors' code it is that of its sigmoid.
    """

    weight: Annotated[Number, Field(ge=0)] = 1.0

    neutral: ClassVar = {"weight": 0.0}
    differentiates: ClassVar = True

    def discriminator_terms(self, turn: Turn) -> Terms:
        """Return the penalty, or nothing at a weight of zero."""
        weight = turn.state.now(self.weight)
        if not weight:
            return {}
        return {"penalty": weight * gradients_between(turn, self).square().sum(1).mean()}
