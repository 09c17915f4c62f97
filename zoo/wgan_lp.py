# SPDX-License-Identifier: MIT
"""WGAN-LP: a critic under a penalty on slopes above one, and on no others.

Paper: Petzka et al., On the Regularization of Wasserstein GANs, 2018, arXiv:1709.08894

A 1-Lipschitz critic need not have slope one between a real and a generated example: WGAN-GP's
penalty forbids critics that the theory allows. Here E max(0, |grad D(x)| - 1)^2 is added, which
depends less on its weight. Five steps of the critic for one of the generator.

Departs from the paper: networks are those of the backbone, with no batch normalization in the
critic; the optimizer is that of ``wgan-gp``, and so is the weight of the penalty on images, 10. On
points the weight is 10 as well, where ``wgan-gp`` has 0.1; batches, length and LeakyReLU are those of
the backbone, and the learning rate falls to zero.
"""

from ganbench import GAN, DataSpec, adam, build_backbone, losses, register
from ganbench.tricks.gradient_penalty import GradientPenalty


@register
def wgan_lp(data: DataSpec, *, backbone: str = "auto") -> GAN:
    """WGAN-LP: a Wasserstein critic with a one-sided gradient penalty."""
    networks = build_backbone(backbone, data, batch_norm=False)
    optimizer = adam(1e-4, (0.0, 0.9)) if data.is_image else adam(1e-3, (0.5, 0.9))
    return GAN(
        generator=networks.generator,
        discriminator=networks.discriminator,
        loss=losses.wasserstein,
        tricks=[GradientPenalty(one_sided=True)],
        recipe=networks.recipe.replace(
            discriminator_steps=5,
            generator_optimizer=optimizer,
            discriminator_optimizer=optimizer,
        ),
    )
