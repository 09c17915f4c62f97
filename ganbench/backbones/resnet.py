# SPDX-License-Identifier: MIT
"""SNGAN's residual networks."""

from ganbench.backbone import Backbone, images_only
from ganbench.config import Recipe, adam
from ganbench.gan import DataSpec
from ganbench.nn.resnet import ResidualDiscriminator, ResidualGenerator
from ganbench.registry import register


@register
def resnet(data: DataSpec, *, width: int = 64) -> Backbone:
    """Residual blocks; batch normalization in the generator, none in the discriminator.

    Paper: Miyato et al., 2018, arXiv:1802.05957

    Args:
        data: Images of any size from 8 x 8 pixels.
        width: Channels of the outermost map; doubled inward, up to four times as many.
    """
    images_only("resnet", data)
    optimizer = adam(2e-4, (0.0, 0.9))
    return Backbone(
        generator=lambda latent_dim: ResidualGenerator(latent_dim, data.shape, width=width),
        network=lambda shape, outputs: ResidualDiscriminator(shape, width=width, outputs=outputs),
        recipe=Recipe.preset(data).replace(
            latent_dim=128, generator_optimizer=optimizer, discriminator_optimizer=optimizer
        ),
    )
