# SPDX-License-Identifier: MIT
"""The gradient penalty of WGAN-GP: a critic whose slope is near one between real and fake."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from ganbench.moving import Number
from ganbench.registry import register
from ganbench.trick import Terms, Trick
from ganbench.turn import Turn


@register("gradient-penalty")
@dataclass(frozen=True)
class GradientPenalty(Trick):
    """Keeps the norm of the critic's gradient near a target between real and fake examples.

    Paper: Gulrajani et al., 2017, arXiv:1704.00028

    Adds ``weight * E (|grad D(x)| - target)^2`` to the discriminator's loss, at points x drawn
    uniformly on lines from a real to a fake example. ``weight`` (lambda) is 10 for images and 0.1
    for toy data. ``one_sided`` ignores slopes below the target (WGAN-LP, arXiv:1709.08894);
    ``target`` 0 gives the zero-centered penalty (arXiv:1902.03984).
    """

    weight: Annotated[Number, Field(ge=0)] = 10.0
    target: Annotated[float, Field(ge=0)] = 1.0
    one_sided: bool = False

    neutral: ClassVar = {"weight": 0.0}
    differentiates: ClassVar = True

    def discriminator_terms(self, turn: Turn) -> Terms:
        """Return the penalty, or nothing at a weight of zero."""
        weight = turn.state.now(self.weight)
        if not weight:
            return {}
        excess = row_norms(gradients_between(turn, self)) - self.target
        if self.one_sided:
            excess = excess.relu()
        return {"penalty": weight * excess.square().mean()}


def gradients_between(turn: Turn, trick: Trick) -> Tensor:
    """Return the gradients (logits, values) at points drawn uniformly on lines from real to fake.

    Args:
        turn: The discriminator's turn.
        trick: The trick from whose random stream the points are drawn.
    """
    real = turn.real.images
    lines = len(turn.real.logits)  # with PacGAN, one for each pack
    share = torch.rand(lines, generator=turn.random(trick), device=real.device, dtype=real.dtype)
    return turn.between(share.repeat_interleave(len(real) // lines)).gradients


def row_norms(gradients: Tensor) -> Tensor:
    """Return the Euclidean norm of each row of gradients (rows, values); its slope at zero is 0."""
    norms: Tensor = torch.linalg.vector_norm(gradients, dim=1)
    return norms
