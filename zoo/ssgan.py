# SPDX-License-Identifier: MIT
"""SSGAN: the discriminator also names by how much an image was rotated.

Paper: Chen et al., Self-Supervised GANs via Auxiliary Rotation Loss, 2019, arXiv:1811.11212

The discriminator would forget what it no longer needs; a task that stays the same prevents this,
without labels. It names the rotation r of real images, weighted by beta = 1, and the generator
makes images whose rotation it can name, weighted by alpha = 0.2: to the losses are added
-beta * E log Q(r | x^r) and -alpha * E log Q(r | G(z)^r). The logit and Q are two layers on the same
features, each with a spectral norm of its own. Of each batch the first quarter is rotated by 0, 90,
180 and 270 degrees; real or fake is told from images that are not rotated.

Images that are not square are rotated by 0 and 180 degrees only, half of each batch.

Departs from the paper: networks and recipe are those of the backbone, DCGAN's by default, whose
discriminator has spectral instead of batch normalization; the features are a LeakyReLU of 128
linear values; the generator's normalization knows nothing of the latent.
"""

from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import cross_entropy

from ganbench import GAN, DataSpec, Hooks, Scored, Terms, Turn, build_backbone, losses, register
from ganbench.backbone import images_only
from ganbench.nn.features import AuxiliaryDiscriminator
from ganbench.tricks.rotation import quarter_turns_of, rotated
from ganbench.tricks.spectral_norm import SpectralNorm

FEATURES = 128


@dataclass(frozen=True)
class Rotations(Hooks):
    """Adds the cross-entropy of rotations, which the extras name, to both losses."""

    quarter_turns: tuple[int, ...]
    discriminator_weight: float
    generator_weight: float

    def discriminator_terms(self, turn: Turn) -> Terms:
        """Name how real images were rotated."""
        return {"rotation": self.discriminator_weight * self.cross_entropy(turn.real, turn)}

    def generator_terms(self, turn: Turn) -> Terms:
        """Make images of which it can be named."""
        return {"rotation": self.generator_weight * self.cross_entropy(turn.fake, turn)}

    def cross_entropy(self, scored: Scored, turn: Turn) -> Tensor:
        """Return the mean cross-entropy of each rotation of the first images of a batch."""
        images, rotations = rotated(scored.images, self.quarter_turns)
        return cross_entropy(turn.judge(images).extras.float(), rotations)


@register
def ssgan(data: DataSpec, *, backbone: str = "auto", alpha: float = 0.2, beta: float = 1.0) -> GAN:
    """SSGAN: self-supervision by rotations."""
    images_only("ssgan", data)
    networks = build_backbone(backbone, data, batch_norm=False)
    quarter_turns = quarter_turns_of(data.shape)
    return GAN(
        generator=networks.generator,
        discriminator=lambda shape: AuxiliaryDiscriminator(
            networks.network(shape, FEATURES), FEATURES, len(quarter_turns)
        ),
        loss=losses.hinge,
        hooks=Rotations(quarter_turns, beta, alpha),
        tricks=[SpectralNorm()],
        recipe=networks.recipe,
    )
