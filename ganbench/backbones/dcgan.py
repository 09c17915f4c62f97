# SPDX-License-Identifier: MIT
"""DCGAN's networks: strided convolutions and batch normalization."""

from ganbench.backbone import Backbone, images_only
from ganbench.config import Recipe
from ganbench.gan import DataSpec
from ganbench.nn.convolutional import ConvDiscriminator, ConvGenerator, Norm
from ganbench.registry import register


@register
def dcgan(data: DataSpec, *, width: int = 64, batch_norm: bool = True) -> Backbone:
    """Strided convolutions: as many halvings as the image needs, twice as many channels at each.

    Paper: Radford et al., 2015, arXiv:1511.06434

    Args:
        data: Images of any size from 8 x 8 pixels.
        width: Channels of the outermost map.
        batch_norm: Whether the discriminator normalizes by the statistics of a batch.
    """
    images_only("dcgan", data)
    norm: Norm = "batch" if batch_norm else "none"
    return Backbone(
        generator=lambda latent_dim: ConvGenerator(latent_dim, data.shape, width=width),
        network=lambda shape, outputs: ConvDiscriminator(
            shape, width=width, norm=norm, outputs=outputs
        ),
        recipe=Recipe.preset(data),
    )
