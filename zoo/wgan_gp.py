# SPDX-License-Identifier: MIT
"""WGAN-GP: a critic kept close to 1-Lipschitz by a penalty on its gradient.

Paper: Gulrajani et al., Improved Training of Wasserstein GANs, 2017, arXiv:1704.00028

The critic estimates the Wasserstein distance between data and samples; between a real and a
generated example the norm of its gradient is drawn to one. It takes five steps for one of the
generator. On images the penalty weighs 10, on 2-D points 0.1, as in the authors' toy code.

Departs from the paper: the networks are DCGAN's (with no batch normalization in the critic, as
the paper asks), not residual ones; on points the networks are narrower and the learning rate
higher than the authors' and falls to zero, for a shorter training.
"""

from ganbench import (
    GAN,
    MLP,
    ConvDiscriminator,
    ConvGenerator,
    DataSpec,
    Recipe,
    adam,
    losses,
    register,
)
from ganbench.tricks.gradient_penalty import GradientPenalty


@register
def wgan_gp(data: DataSpec) -> GAN:
    """WGAN-GP: a Wasserstein critic with a gradient penalty."""
    if data.is_image:
        return GAN(
            generator=lambda latent_dim: ConvGenerator(latent_dim, data.shape),
            discriminator=lambda shape: ConvDiscriminator(shape, norm="none"),
            loss=losses.wasserstein,
            tricks=[GradientPenalty(weight=10.0)],
            recipe=Recipe(
                kimg=320 if data.resolution <= 32 else 2000,
                batch_size=64,
                discriminator_steps=5,
                latent_dim=100,
                generator_optimizer=adam(1e-4, (0.0, 0.9)),
                discriminator_optimizer=adam(1e-4, (0.0, 0.9)),
            ),
        )
    return GAN(
        generator=lambda latent_dim: MLP((latent_dim,), [128, 128, 128], data.shape, slope=0.0),
        discriminator=lambda shape: MLP(shape, [128, 128, 128], (1,), slope=0.0),
        loss=losses.wasserstein,
        tricks=[GradientPenalty(weight=0.1)],
        recipe=Recipe(
            kimg=3000,
            batch_size=256,
            discriminator_steps=5,
            latent_dim=2,
            generator_optimizer=adam(1e-3, (0.5, 0.9)),
            discriminator_optimizer=adam(1e-3, (0.5, 0.9)),
            schedule="linear",
        ),
    )
