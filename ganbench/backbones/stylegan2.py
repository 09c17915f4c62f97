# SPDX-License-Identifier: MIT
"""StyleGAN2's networks, small: styles modulate the weights of each layer."""

from ganbench.backbone import Backbone, images_only
from ganbench.config import Recipe, adam
from ganbench.gan import DataSpec
from ganbench.nn.style_networks import StyleDiscriminator, StyleGenerator
from ganbench.registry import register


@register
def stylegan2(data: DataSpec, *, width: int = 16, mixing: float = 0.9) -> Backbone:
    """Modulated convolutions with noise; a residual discriminator that sees deviations in groups.

    Paper: Karras et al., 2020, arXiv:1912.04958

    The generator returns the styles (B, layers, latent_dim) of its images next to them. Classes
    enter the mapping network as in arXiv:2006.06676. The deviation is that in groups of four
    examples, so the processes that share a batch must each have a multiple of four.

    Args:
        data: Images of any size from 8 x 8 pixels.
        width: Channels of the outermost map; doubled inward, up to 256.
        mixing: The share of images in training with the styles of two latents.
    """
    images_only("stylegan2", data)
    optimizer = adam(2e-3, (0.0, 0.99))
    return Backbone(
        generator=lambda latent_dim: StyleGenerator(
            latent_dim, data.shape, width=width, mixing=mixing
        ),
        network=lambda shape, outputs: StyleDiscriminator(shape, width=width, outputs=outputs),
        labeled=lambda latent_dim, classes: StyleGenerator(
            latent_dim, data.shape, width=width, mixing=mixing, classes=classes
        ),
        recipe=Recipe.preset(data).replace(
            batch_size=32,
            latent_dim=128,
            generator_optimizer=optimizer,
            discriminator_optimizer=optimizer,
        ),
    )
