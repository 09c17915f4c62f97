# SPDX-License-Identifier: MIT
"""R3GAN's networks: modern residual blocks, and no normalization at all."""

from ganbench.backbone import Backbone, images_only
from ganbench.config import Recipe, adam
from ganbench.gan import DataSpec
from ganbench.nn.r3gan import NormFreeDiscriminator, NormFreeGenerator
from ganbench.registry import register


@register
def r3gan(data: DataSpec, *, width: int = 16, blocks: int = 1) -> Backbone:
    """Inverted bottlenecks with grouped convolutions, bilinear resampling, no normalization.

    Paper: Huang et al., 2025, arXiv:2501.05441

    The two networks mirror each other: a learned basis, weighted by the latent, begins the
    generator and ends the discriminator. Departs from the paper: fewer channels (it has 768 of
    them and two blocks at each resolution for images of 32 pixels), a tanh at the end.

    Args:
        data: Images of any size from 8 x 8 pixels.
        width: Channels of the outermost map; doubled inward, up to eight times as many.
        blocks: The number of residual blocks at each resolution.
    """
    images_only("r3gan", data)
    optimizer = adam(2e-4, (0.0, 0.99))
    return Backbone(
        generator=lambda latent_dim: NormFreeGenerator(
            latent_dim, data.shape, width=width, blocks=blocks
        ),
        network=lambda shape, outputs: NormFreeDiscriminator(
            shape, width=width, blocks=blocks, outputs=outputs
        ),
        recipe=Recipe.preset(data).replace(
            latent_dim=64, generator_optimizer=optimizer, discriminator_optimizer=optimizer
        ),
    )
