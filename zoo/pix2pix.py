# SPDX-License-Identifier: MIT
"""pix2pix: an image is made from another one, by a conditional GAN and an L1 distance.

Paper: Isola et al., Image-to-Image Translation with Conditional Adversarial Networks, 2016, arXiv:1611.07004

The generator is a U-Net: an encoder and a decoder of the source, joined at every resolution. Its
noise is dropout, in sampling as in training. The discriminator judges overlapping patches of
(source, image); the adversarial loss is the mean over all patches. To the generator's loss is
added l1 times the mean absolute difference from the true image.

Departs from the paper: networks for 28 to 128 pixels, halved down to 4 to 7 pixels instead of one;
patches of 16 pixels up to 32, of 34 above, in place of 70 at 256; instance normalization, which is
the authors' batch normalization at their batch size of one, with batches of 16; dropout in all of
the decoder but its last layer; the discriminator's loss is not halved, which Adam hardly sees.
"""

from dataclasses import dataclass

from ganbench import GAN, ConfigError, DataSpec, Hooks, Recipe, Terms, Turn, adam, losses, register
from ganbench.nn.translation import PatchDiscriminator, UNet


@dataclass(frozen=True)
class Reconstruction(Hooks):
    """Adds ``weight * E |y - G(x, z)|`` to the generator's loss, averaged over values."""

    weight: float

    def generator_terms(self, turn: Turn) -> Terms:
        """Return the distance from the true images of the same sources."""
        return {"l1": self.weight * (turn.batch.images - turn.fake.images).abs().mean()}


@register
def pix2pix(data: DataSpec, *, l1: float = 100.0, width: int = 64) -> GAN:
    """pix2pix: an image is made from another one."""
    source = data.source
    if source is None:
        raise ConfigError(
            f"pix2pix makes images from other images, and {data.name} has no pairs.",
            "Pairs are 'images' and 'sources' in an npz file, one source for each image.",
        )
    halvings = 1 if data.resolution <= 32 else 2
    return GAN(
        generator=lambda latent_dim: UNet(source, data.shape, width=width),
        discriminator=lambda shape: PatchDiscriminator(
            source, shape, width=width, halvings=halvings
        ),
        loss=losses.non_saturating,
        hooks=Reconstruction(l1),
        conditional="source",
        recipe=Recipe(
            kimg=80 if data.resolution <= 32 else 200,
            batch_size=16,
            latent_dim=1,
            generator_optimizer=adam(2e-4, (0.5, 0.999)),
            discriminator_optimizer=adam(2e-4, (0.5, 0.999)),
        ),
    )
