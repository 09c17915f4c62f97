# SPDX-License-Identifier: MIT
"""GAT's networks, small, on pixels: a transformer against a transformer."""

from ganbench.backbone import Backbone, images_only
from ganbench.config import Recipe, adam
from ganbench.gan import DataSpec
from ganbench.nn.transformer_networks import TransformerDiscriminator, TransformerGenerator
from ganbench.registry import register

PAPER_WIDTH = 768
PAPER_RATE = 2e-4
HIGHEST_RATE = 1e-3


@register
def transformer(data: DataSpec, *, width: int = 64, depth: int = 4) -> Backbone:
    """Patches as tokens; a mapped latent scales and gates the generator's blocks.

    Paper: Hyun, Lee and Heo, 2025, arXiv:2509.24935

    The generator returns the images at four of its depths (B, levels, C, H, W) next to its images.
    The learning rate is in inverse proportion to the width, as in the paper: 0.0002 at 768
    channels, but at most 0.001. Departs from the paper: patches of pixels, at most 100 of them, not
    of an autoencoder's latents; places are codes that are added to tokens, without rotations.

    Args:
        data: Images of any size from 8 x 8 pixels.
        width: Channels of a token.
        depth: The number of blocks of each network.
    """
    images_only("transformer", data)
    optimizer = adam(min(HIGHEST_RATE, PAPER_RATE * PAPER_WIDTH / width), (0.0, 0.99))
    return Backbone(
        generator=lambda latent_dim: TransformerGenerator(
            latent_dim, data.shape, width=width, depth=depth
        ),
        network=lambda shape, outputs: TransformerDiscriminator(
            shape, width=width, depth=depth, outputs=outputs
        ),
        labeled=lambda latent_dim, classes: TransformerGenerator(
            latent_dim, data.shape, width=width, depth=depth, classes=classes
        ),
        recipe=Recipe.preset(data).replace(
            latent_dim=64, generator_optimizer=optimizer, discriminator_optimizer=optimizer
        ),
    )
