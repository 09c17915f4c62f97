# SPDX-License-Identifier: MIT
"""SAGAN's networks: residual blocks with self-attention in the middle."""

from ganbench.backbone import Backbone, images_only
from ganbench.config import Recipe, adam
from ganbench.gan import DataSpec
from ganbench.nn.attention_networks import AttentionDiscriminator, AttentionGenerator
from ganbench.registry import register


@register
def sagan(data: DataSpec, *, width: int = 16) -> Backbone:
    """Residual blocks with self-attention; classes by conditional batch normalization.

    Paper: Zhang et al., 2019, arXiv:1805.08318

    The largest map of at most 256 pixels attends to itself, such as one of 16 x 16, where the
    paper has 32 x 32. Its recipe has learning rates on two time scales. Spectral normalization is a
    trick: spectral-norm.

    Args:
        data: Images of any size from 8 x 8 pixels.
        width: Channels of the outermost map; doubled inward, up to eight times as many.
    """
    images_only("sagan", data)
    return Backbone(
        generator=lambda latent_dim: AttentionGenerator(latent_dim, data.shape, width=width),
        network=lambda shape, outputs: AttentionDiscriminator(shape, width=width, outputs=outputs),
        labeled=lambda latent_dim, classes: AttentionGenerator(
            latent_dim, data.shape, width=width, classes=classes
        ),
        recipe=Recipe.preset(data).replace(
            latent_dim=128,
            generator_optimizer=adam(1e-4, (0.0, 0.9)),
            discriminator_optimizer=adam(4e-4, (0.0, 0.9)),
        ),
    )
