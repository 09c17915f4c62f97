# SPDX-License-Identifier: MIT
"""DCGAN: strided convolutions and batch normalization make GANs on images train.

Paper: Radford et al., Unsupervised Representation Learning with Deep Convolutional GANs, 2015, arXiv:1511.06434

Both networks are convolutional without pooling; batch normalization everywhere but at the
generator's output and the discriminator's input; ReLU in the generator, LeakyReLU in the
discriminator; Adam at 2e-4 with beta1 0.5; weights from N(0, 0.02).

Departs from the paper: 4 x 4 kernels in place of 5 x 5, which stride 2 covers evenly; the
networks have as many stages as the resolution needs (two at 28 pixels, three at 32); a normal
prior in place of the uniform one; batches of 64, not 128.
"""

from ganbench import GAN, ConvDiscriminator, ConvGenerator, DataSpec, Recipe, adam, losses, register
from ganbench.errors import ConfigError


@register
def dcgan(data: DataSpec) -> GAN:
    """DCGAN: strided convolutions and batch normalization."""
    if not data.is_image:
        raise ConfigError(
            f"dcgan draws images, and {data.name} holds {data.plural}.",
            "Use vanilla or wgan-gp for points.",
        )
    return GAN(
        generator=lambda latent_dim: ConvGenerator(latent_dim, data.shape),
        discriminator=lambda shape: ConvDiscriminator(shape),
        loss=losses.non_saturating,
        recipe=Recipe(
            kimg=320 if data.resolution <= 32 else 2000,
            batch_size=64,
            latent_dim=100,
            generator_optimizer=adam(2e-4, (0.5, 0.999)),
            discriminator_optimizer=adam(2e-4, (0.5, 0.999)),
        ),
    )
