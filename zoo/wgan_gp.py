# SPDX-License-Identifier: MIT
"""WGAN-GP: a critic kept close to 1-Lipschitz by a penalty on its gradient.

Paper: Gulrajani et al., Improved Training of Wasserstein GANs, 2017, arXiv:1704.00028

The critic estimates the Wasserstein distance between data and samples; between a real and a
generated example the norm of its gradient is drawn to one. It takes five steps for one of the
generator. On images the penalty weighs 10, on 2-D points 0.1, as in the authors' toy code.

Departs from the paper: the networks are DCGAN's (with no batch normalization in the critic, as
the paper asks), not residual ones, which ``--set model.backbone=resnet`` gives; on points the
networks are narrower and the learning rate higher than the authors' and falls to zero, for a
shorter training.
"""

from ganbench import GAN, DataSpec, adam, build_backbone, losses, register
from ganbench.tricks.gradient_penalty import GradientPenalty


@register
def wgan_gp(data: DataSpec, *, backbone: str = "auto") -> GAN:
    """WGAN-GP: a Wasserstein critic with a gradient penalty."""
    networks = build_backbone(backbone, data, others="mlp:slope=0.0", batch_norm=False)
    if data.is_image:
        optimizer = adam(1e-4, (0.0, 0.9))
        recipe = networks.recipe
    else:
        optimizer = adam(1e-3, (0.5, 0.9))
        recipe = networks.recipe.replace(kimg=3000, batch_size=256)
    return GAN(
        generator=networks.generator,
        discriminator=networks.discriminator,
        loss=losses.wasserstein,
        tricks=[GradientPenalty(weight=10.0 if data.is_image else 0.1)],
        recipe=recipe.replace(
            discriminator_steps=5,
            generator_optimizer=optimizer,
            discriminator_optimizer=optimizer,
        ),
    )
