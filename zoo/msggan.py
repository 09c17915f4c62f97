# SPDX-License-Identifier: MIT
"""MSG-GAN: gradients flow at every resolution, because the generator shows an image at each.

Paper: Karnewar and Wang, MSG-GAN: Multi-Scale Gradients for Generative Adversarial Networks, 2020, arXiv:1903.06048

The generator makes images at all of its resolutions. The discriminator sees the largest first, and
each smaller one where its maps have become as small. Real images come with their means of
2 x 2 pixels. The loss is Wasserstein's with a gradient penalty, and ``drift`` times the mean square
of real logits, as in ProGAN; interpolates are made at each resolution alike.

Departs from the paper: the networks are DCGAN's, small, not ProGAN's, with weights that are not
equalized; the penalty, like R1 and R2 if they are added, is on the slope in the largest image
alone, with the smaller ones fixed, where the authors' code takes the mean of a penalty for each
resolution; the smaller images join the discriminator's maps as they are, without 1 x 1 weights;
both players learn with Adam at 0.0005, betas 0 and 0.99.
"""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from ganbench import (
    GAN,
    DataSpec,
    Hooks,
    Recipe,
    Scored,
    Seen,
    Terms,
    Turn,
    adam,
    losses,
    register,
)
from ganbench.backbone import images_only
from ganbench.nn.pyramid import PyramidDiscriminator, PyramidGenerator, pyramid_of
from ganbench.tricks.gradient_penalty import GradientPenalty


@dataclass(frozen=True)
class Pyramids(Hooks):
    """Shows the discriminator images at all resolutions, and keeps real logits near zero."""

    drift: float

    def see(self, seen: Seen, scored: Scored, turn: Turn) -> Seen:
        """Add what the generator made; real images are reduced; interpolates bring theirs along."""
        if scored.kind == "other":
            return seen
        if scored.made is not None:
            return seen.replace(condition=scored.made)
        # The batch, not the leaf that penalties differentiate: theirs is the slope in one image.
        return seen.replace(condition=pyramid_of(scored.batch.images))

    def discriminator_terms(self, turn: Turn) -> Terms:
        """Return the mean square of real logits, weighted."""
        return {"drift": self.drift * turn.real.logits.square().mean()}


@register
def msggan(data: DataSpec, *, drift: Annotated[float, Field(ge=0)] = 1e-3) -> GAN:
    """MSG-GAN: images of all resolutions from the generator to the discriminator."""
    images_only("msggan", data)
    return GAN(
        generator=lambda latent_dim: PyramidGenerator(latent_dim, data.shape),
        discriminator=lambda shape: PyramidDiscriminator(shape),
        loss=losses.wasserstein,
        hooks=Pyramids(drift),
        tricks=[GradientPenalty(weight=10.0)],
        recipe=Recipe(
            kimg=320 if data.resolution <= 32 else 2000,
            batch_size=64,
            latent_dim=128,
            generator_optimizer=adam(5e-4, (0.0, 0.99)),
            discriminator_optimizer=adam(5e-4, (0.0, 0.99)),
        ),
    )
