# SPDX-License-Identifier: MIT
"""The penalty of WGAN-div: a power of the critic's slope, in place of a Lipschitz constraint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field

from ganbench.moving import Number
from ganbench.registry import register
from ganbench.trick import Terms, Trick
from ganbench.tricks.gradient_penalty import gradients_between, row_norms
from ganbench.turn import Turn


@register("wgan-div")
@dataclass(frozen=True)
class WassersteinDivergence(Trick):
    """Penalizes a power of the norm of the critic's gradient between real and fake examples.

    Paper: Wu et al., 2018, arXiv:1712.01026

    Adds ``weight * E |grad D(x)|^power`` to the discriminator's loss, at points x drawn uniformly
    on lines from a real to a fake example. With the Wasserstein loss the optimum is a divergence of
    the two distributions, whatever the slope of the critic. ``weight`` (k) of 2 and ``power`` (p)
    of 6 are what public implementations take, most of them at real and fake examples instead; the
    authors' has a weight of 10.
    """

    weight: Annotated[Number, Field(ge=0)] = 2.0
    power: Annotated[float, Field(gt=1)] = 6.0

    neutral: ClassVar = {"weight": 0.0}
    differentiates: ClassVar = True

    def discriminator_terms(self, turn: Turn) -> Terms:
        """Return the penalty, or nothing at a weight of zero."""
        weight = turn.state.now(self.weight)
        if not weight:
            return {}
        norms = row_norms(gradients_between(turn, self))
        return {"penalty": weight * norms.pow(self.power).mean()}
