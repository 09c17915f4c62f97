# SPDX-License-Identifier: MIT
"""BigGAN's networks, small: every block of the generator gets its own part of the latent."""

from ganbench.backbone import Backbone, images_only
from ganbench.config import Recipe, adam
from ganbench.gan import DataSpec
from ganbench.nn.attention_networks import AttentionDiscriminator, ChunkGenerator
from ganbench.registry import register


@register
def biggan(data: DataSpec, *, width: int = 16) -> Backbone:
    """Residual blocks with self-attention, modulated by parts of the latent and by the class.

    Paper: Brock, Donahue and Simonyan, 2019, arXiv:1809.11096

    Without labels the parts of the latent alone modulate the blocks (Chen et al., 2019,
    arXiv:1810.01365). Weights start orthogonal. Spectral normalization is a trick: spectral-norm.
    Departs from the paper: 16 channels where it has 96; the largest map of at most 256 pixels
    attends to itself, not one of 64 x 64; the learning rates are SAGAN's, which it halves for
    batches of 2048.

    Args:
        data: Images of any size from 8 x 8 pixels.
        width: Channels of the outermost map; doubled inward, up to eight times as many.
    """
    images_only("biggan", data)
    return Backbone(
        generator=lambda latent_dim: ChunkGenerator(latent_dim, data.shape, width=width),
        network=lambda shape, outputs: AttentionDiscriminator(
            shape, width=width, outputs=outputs, orthogonal=True
        ),
        labeled=lambda latent_dim, classes: ChunkGenerator(
            latent_dim, data.shape, width=width, classes=classes
        ),
        recipe=Recipe.preset(data).replace(
            latent_dim=120,
            generator_optimizer=adam(1e-4, (0.0, 0.999)),
            discriminator_optimizer=adam(4e-4, (0.0, 0.999)),
        ),
    )
