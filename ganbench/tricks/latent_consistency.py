# SPDX-License-Identifier: MIT
"""zCR: latents that are close give different images, to which the discriminator says the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from pydantic import Field

from ganbench.moving import Number
from ganbench.registry import register
from ganbench.state import State
from ganbench.trick import Terms, Trick, TrickState, refusal
from ganbench.turn import Scored, Turn


@register("latent-consistency")
@dataclass(frozen=True)
class LatentConsistency(Trick):
    """Makes the generator sensitive to small changes of latents, the discriminator insensitive.

    Paper: Zhao et al., 2021, arXiv:2002.04724

    With ``z' = z + scale * n`` and normal n, adds
    ``discriminator * E |D(G(z)) - D(G(z'))|^2`` to the discriminator's loss and
    ``-generator * min(E |G(z) - G(z')|^2, bound)`` to the generator's, where the square is the mean
    over the values of an image. In the paper, ``discriminator`` (lambda_dis) is 5, ``generator``
    (lambda_gen) 0.5, and ``scale`` (sigma) 0.03 to 0.07. The paper has no bound, because images
    have one: in [-1, 1] a squared difference is at most 4. So ``bound`` acts on other data alone,
    from which a generator would run away. Each term costs another pass through the generator.
    Together with ``bcr`` it is the paper's improved consistency regularization (ICR).
    """

    discriminator: Annotated[Number, Field(ge=0)] = 5.0
    generator: Annotated[Number, Field(ge=0)] = 0.5
    scale: Annotated[float, Field(gt=0)] = 0.03
    bound: Annotated[float, Field(gt=0)] = 4.0

    neutral: ClassVar = {"discriminator": 0.0, "generator": 0.0}

    def start(self, state: State) -> TrickState:
        """Refuse fakes that were not made of the latents of the turn.

        Raises:
            ConfigError: A trick replaces some of the fakes.
        """
        others = state.tricks.having("fakes")
        if others and self.discriminator:
            raise refusal(
                "latent-consistency",
                others,
                "latent-consistency compares fakes with others near them, and {others} replaces "
                "some of the fakes.",
            )
        return {}

    def discriminator_terms(self, turn: Turn) -> Terms:
        """Return the difference of logits, or nothing at a weight of zero."""
        weight = turn.state.now(self.discriminator)
        if not weight:
            return {}
        with torch.no_grad():
            near = self._near(turn)
        return {"logits": weight * (turn.fake.logits - near.logits).square().mean()}

    def generator_terms(self, turn: Turn) -> Terms:
        """Return the reward for the difference of images, or nothing at a weight of zero."""
        weight = turn.state.now(self.generator)
        if not weight:
            return {}
        apart = (turn.fake.images - self._near(turn).images).square().mean()
        return {"images": -weight * apart.clamp(max=self.bound)}

    def _near(self, turn: Turn) -> Scored:
        """Return fakes from the turn's latents with noise."""
        latents = turn.latents
        noise = torch.randn(
            latents.shape,
            generator=turn.random(self),
            device=latents.device,
            dtype=latents.dtype,
        )
        return turn.generate(latents + self.scale * noise, tracked=False, as_fakes=True)
