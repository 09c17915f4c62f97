# SPDX-License-Identifier: MIT
"""Diversity-sensitive regularization: a bounded reward for images that differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field

from ganbench.moving import Number
from ganbench.registry import register
from ganbench.trick import Terms, Trick
from ganbench.tricks.mode_seeking import pair_distances
from ganbench.turn import Turn


@register("diversity-sensitive")
@dataclass(frozen=True)
class DiversitySensitive(Trick):
    """Rewards each pair of images for its distance relative to its latents, up to a bound.

    Paper: Yang et al., 2019, arXiv:1901.09024

    Adds ``-weight * E min(|G(z) - G(z')| / |z - z'|, bound)`` to the generator's loss. The
    distances are mean absolute differences, as in the authors' code. The latents z' are drawn for
    this term alone, and their images have the conditions of the others. It costs another pass
    through the generator. Both images learn, as in the paper's formula; in the authors' code only
    one does, so that its ``weight`` (lambda) of 5 to 8, for images made from other images, is 2.5
    to 4 here. The weight trades quality for diversity, in units of the data. The code's ``bound``
    (tau) of 10 is off by default, and caps the negative term, which it cannot reach.
    """

    weight: Annotated[Number, Field(ge=0)] = 1.0
    bound: Annotated[float, Field(gt=0)] = 10.0

    neutral: ClassVar = {"weight": 0.0}

    def generator_terms(self, turn: Turn) -> Terms:
        """Return the term, or nothing at a weight of zero."""
        weight = turn.state.now(self.weight)
        if not weight:
            return {}
        apart, latents_apart = pair_distances(turn, self)
        return {"distance": -weight * (apart / latents_apart).clamp(max=self.bound).mean()}
