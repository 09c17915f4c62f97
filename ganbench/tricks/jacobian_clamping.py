# SPDX-License-Identifier: MIT
"""Jacobian clamping: a step in the latents moves the image neither too far nor too little."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from pydantic import Field

from ganbench.moving import Number
from ganbench.registry import register
from ganbench.trick import Terms, Trick
from ganbench.tricks.gradient_penalty import row_norms
from ganbench.turn import Turn


@register("jacobian-clamping")
@dataclass(frozen=True)
class JacobianClamping(Trick):
    """Keeps the generator's stretch of small steps in latent space between two bounds.

    Paper: Odena et al., 2018, arXiv:1802.08768

    With ``Q = |G(z + d) - G(z)| / |d|`` for a step d of length ``step`` in a random direction,
    adds ``weight * E [max(Q - upper, 0)^2 + min(Q - lower, 0)^2]`` to the generator's loss, with Q
    for each example. It costs another pass through the generator. The stretch grows with the number
    of values of an image, and the bounds should, too.
    """

    weight: Annotated[Number, Field(ge=0)] = 1.0
    lower: Annotated[float, Field(ge=0)] = 1.0
    upper: Annotated[float, Field(gt=0)] = 20.0
    step: Annotated[float, Field(gt=0)] = 1.0

    neutral: ClassVar = {"weight": 0.0}

    def generator_terms(self, turn: Turn) -> Terms:
        """Return the penalty, or nothing at a weight of zero."""
        weight = turn.state.now(self.weight)
        if not weight:
            return {}
        latents = turn.latents
        direction = torch.randn(
            latents.shape,
            generator=turn.random(self),
            device=latents.device,
            dtype=latents.dtype,
        )
        step = self.step * direction / row_norms(direction)[:, None]
        images, _ = turn.make(latents + step, turn.condition, tracked=False, as_fakes=True)
        stretch = row_norms((images - turn.fake.images).flatten(1)) / self.step
        outside = (stretch - self.upper).relu().square() + (self.lower - stretch).relu().square()
        return {"penalty": weight * outside.mean()}
