# SPDX-License-Identifier: MIT
"""R1: the discriminator is made flat where the data are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ganbench.moving import Moving, Number
from ganbench.registry import register
from ganbench.trick import Terms, Trick
from ganbench.turn import Turn


@register("r1")
@dataclass(frozen=True)
class R1(Trick):
    """Penalizes the discriminator's gradient at real examples.

    Paper: Mescheder, Geiger and Nowozin, 2018, arXiv:1801.04406

    Adds ``weight / 2 * E |grad D(x)|^2`` to the discriminator's loss, in the pass that scores the
    real examples anyway. ``weight`` (gamma) depends on the data: 10 in the paper, 0.01 to 0.1 for
    images of 32 pixels. With ``every`` n, the penalty is computed only in every n-th update and is
    n times as strong (lazy regularization, arXiv:1912.04958), which saves time but can break
    training on toy data. Where the discriminator gives several logits for an example, D(x) is
    their mean.
    """

    weight: Annotated[Number, Field(ge=0)] = 1.0
    every: Annotated[int, Field(ge=1)] = 1

    neutral: ClassVar = {"weight": 0.0}
    differentiates: ClassVar = True

    def discriminator_terms(self, turn: Turn) -> Terms:
        """Return the penalty, or nothing at a weight of zero or in updates that are skipped."""
        return lazy_penalty(turn, "real", weight=self.weight, every=self.every)


def lazy_penalty(
    turn: Turn, side: Literal["real", "fake"], *, weight: float | Moving, every: int
) -> Terms:
    """Return half the mean squared norm of the gradient at one side's examples, as a term.

    Args:
        turn: The discriminator's turn.
        side: The examples at which the gradient is taken.
        weight: The weight of the penalty (gamma), which may move; 0 gives no term.
        every: The penalty is due in every n-th update, and n times as strong.
    """
    weight = turn.state.now(weight)
    if not weight or turn.state.updates["discriminator"] % every:
        return {}
    scored = turn.real if side == "real" else turn.fake
    square = scored.gradients.square().sum(1).mean()  # (logits, values) -> scalar
    return {"penalty": 0.5 * weight * every * square}
