# SPDX-License-Identifier: MIT
"""FastGAN's networks: light ones, in which small maps excite the channels of large ones."""

from ganbench.backbone import Backbone, images_only
from ganbench.config import Recipe
from ganbench.gan import DataSpec
from ganbench.nn.convolutional import Norm
from ganbench.nn.fastgan_networks import FastDiscriminator, FastGenerator
from ganbench.registry import register


@register
def fastgan(data: DataSpec, *, width: int = 16, batch_norm: bool = True) -> Backbone:
    """Gated convolutions with noise and skip-layer excitation; residual halvings to judge.

    Paper: Liu et al., 2021, arXiv:2101.04775

    Args:
        data: Images of any size from 8 x 8 pixels.
        width: Channels of the outermost map; doubled inward, up to eight times as many.
        batch_norm: Whether the discriminator normalizes by the statistics of a batch.
    """
    images_only("fastgan", data)
    norm: Norm = "batch" if batch_norm else "none"
    return Backbone(
        generator=lambda latent_dim: FastGenerator(latent_dim, data.shape, width=width),
        network=lambda shape, outputs: FastDiscriminator(
            shape, width=width, norm=norm, outputs=outputs
        ),
        recipe=Recipe.preset(data).replace(latent_dim=256),
    )
