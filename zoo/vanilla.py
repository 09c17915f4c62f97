# SPDX-License-Identifier: MIT
"""The original GAN as two multilayer perceptrons: the article that ganbench starts from.

Paper: Goodfellow et al., Generative Adversarial Networks, 2014, arXiv:1406.2661

A generator learns to map noise to samples that a discriminator, learning at the same time,
cannot tell from real ones. The discriminator maximizes log D(x) + log(1 - D(G(z))); the
generator maximizes log D(G(z)), which gives it gradients where the value function saturates.
``--set loss=minimax`` trains on the value function itself, ``--set recipe.prior=uniform`` draws
the noise from the uniform prior.

Departs from the article's code: the data are scaled to [-1, 1], the range of the generator's
tanh; the discriminator returns logits, without the sigmoid, which the loss takes in; the
discriminator's loss is not halved, which Adam hardly sees. For 2-D points the generator has no
tanh, both networks are narrower, and the learning rate falls to zero.
"""

from torch import nn

from ganbench import GAN, MLP, DataSpec, Recipe, adam, losses, register


@register
def vanilla(data: DataSpec) -> GAN:
    """The original GAN as two multilayer perceptrons."""
    if data.is_image:
        return GAN(
            generator=lambda latent_dim: MLP(
                (latent_dim,), [256, 512, 1024], data.shape, last=nn.Tanh()
            ),
            discriminator=lambda shape: MLP(shape, [512, 256], (1,)),
            loss=losses.non_saturating,
            recipe=Recipe(
                kimg=600,
                batch_size=64,
                latent_dim=100,
                generator_optimizer=adam(2e-4, (0.5, 0.999)),
                discriminator_optimizer=adam(2e-4, (0.5, 0.999)),
            ),
        )
    return GAN(
        generator=lambda latent_dim: MLP((latent_dim,), [128, 128, 128], data.shape),
        discriminator=lambda shape: MLP(shape, [128, 128, 128], (1,)),
        loss=losses.non_saturating,
        recipe=Recipe(
            kimg=2000,
            batch_size=128,
            latent_dim=2,
            generator_optimizer=adam(5e-4, (0.5, 0.999)),
            discriminator_optimizer=adam(5e-4, (0.5, 0.999)),
            schedule="linear",
        ),
    )
