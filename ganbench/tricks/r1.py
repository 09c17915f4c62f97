# SPDX-License-Identifier: MIT
"""R1: the discriminator shall be flat where the data are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field

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
    images of 32 pixels. ``every`` computes it only in each n-th update and n times as strong
    (lazy regularization, arXiv:1912.04958), which saves time and can break training on toys.
    """

    weight: Annotated[float, Field(ge=0)] = 1.0
    every: Annotated[int, Field(ge=1)] = 1

    neutral: ClassVar = {"weight": 0.0}

    def discriminator_terms(self, turn: Turn) -> Terms:
        """Return the penalty; nothing at a weight of zero, nor in updates that are skipped."""
        if not self.weight or turn.state.updates["discriminator"] % self.every:
            return {}
        square = turn.real.gradients.square().sum(1).mean()  # (logits, values) -> scalar
        return {"r1": 0.5 * self.weight * self.every * square}
