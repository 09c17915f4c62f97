# SPDX-License-Identifier: MIT
"""Mode seeking: images from two latents are as far apart as their latents are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field
from torch import Tensor

from ganbench.moving import Number
from ganbench.registry import register
from ganbench.trick import Terms, Trick
from ganbench.turn import Turn


@register("mode-seeking")
@dataclass(frozen=True)
class ModeSeeking(Trick):
    """Rewards the generator for distance between images, relative to that of their latents.

    Paper: Mao et al., 2019, arXiv:1903.05628

    Adds ``weight / (E |G(z) - G(z')| / E |z - z'| + epsilon)`` to the generator's loss, as in the
    authors' code: the distances are mean absolute differences over the batch. The latents z' are
    drawn for this term alone, and their images have the conditions of the others; unlike in the
    code, the discriminator does not judge them. It costs another pass through the generator.
    ``weight`` is 1, ``epsilon`` 1e-5.
    """

    weight: Annotated[Number, Field(ge=0)] = 1.0
    epsilon: Annotated[float, Field(gt=0)] = 1e-5

    neutral: ClassVar = {"weight": 0.0}

    def generator_terms(self, turn: Turn) -> Terms:
        """Return the term, or nothing at a weight of zero."""
        weight = turn.state.now(self.weight)
        if not weight:
            return {}
        distances = [each.mean() for each in pair_distances(turn, self)]
        # Over all processes, because a mean of ratios is not the ratio of means.
        apart, latents_apart = turn.state.group.average(distances)
        return {"distance": weight / (apart / latents_apart + self.epsilon)}


def pair_distances(turn: Turn, trick: Trick) -> tuple[Tensor, Tensor]:
    """Make a second image for each fake; return how far apart the two and their latents are.

    Both are mean absolute differences (B,). Only that of the images is differentiable.

    Args:
        turn: The generator's turn.
        trick: The trick from whose random stream the second latents are drawn.
    """
    first = turn.fake
    latents = turn.state.prior(len(turn.latents), turn.random(trick))
    images, _ = turn.make(latents, turn.condition)
    apart = (first.images - images).abs().flatten(1).mean(1)
    latents_apart = (turn.latents.detach() - latents).abs().flatten(1).mean(1)
    return apart, latents_apart
