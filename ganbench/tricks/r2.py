# SPDX-License-Identifier: MIT
"""R2: the discriminator is made flat where the generator's examples are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field

from ganbench.moving import Number
from ganbench.registry import register
from ganbench.trick import Terms, Trick
from ganbench.tricks.r1 import lazy_penalty
from ganbench.turn import Turn


@register("r2")
@dataclass(frozen=True)
class R2(Trick):
    """Penalizes the discriminator's gradient at the generator's examples.

    Paper: Mescheder, Geiger and Nowozin, 2018, arXiv:1801.04406

    Adds ``weight / 2 * E |grad D(G(z))|^2`` to the discriminator's loss, in the pass that scores
    the fakes anyway. It is used with R1 at the same ``weight`` (arXiv:2501.05441). With ``every``
    n, the penalty is computed only in every n-th update and is n times as strong (lazy
    regularization, arXiv:1912.04958).
    """

    weight: Annotated[Number, Field(ge=0)] = 1.0
    every: Annotated[int, Field(ge=1)] = 1

    neutral: ClassVar = {"weight": 0.0}
    differentiates: ClassVar = True

    def discriminator_terms(self, turn: Turn) -> Terms:
        """Return the penalty, or nothing at a weight of zero or in updates that are skipped."""
        return lazy_penalty(turn, "fake", weight=self.weight, every=self.every)
