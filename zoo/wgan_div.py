# SPDX-License-Identifier: MIT
"""WGAN-div: the Wasserstein divergence needs no critic of bounded slope.

Paper: Wu et al., Wasserstein Divergence for GANs, 2018, arXiv:1712.01026

The critic minimizes E D(G(z)) - E D(x) + k E |grad D|^p, with the gradient between real and
generated examples. The minimum is a divergence for any k > 0 and p > 1; 2 and 6 are usual.

Departs from the paper: networks are those of the backbone, with no batch normalization in the
critic; the critic makes five steps for one of the generator, with the optimizer of ``wgan-gp``. On
points the learning rate falls to zero.
"""

from ganbench import GAN, DataSpec, adam, build_backbone, losses, register
from ganbench.tricks.wgan_div import WassersteinDivergence


@register
def wgan_div(data: DataSpec, *, backbone: str = "auto") -> GAN:
    """WGAN-div: a critic with a power of its slope as a penalty."""
    networks = build_backbone(backbone, data, batch_norm=False)
    optimizer = adam(1e-4, (0.0, 0.9)) if data.is_image else adam(1e-3, (0.5, 0.9))
    return GAN(
        generator=networks.generator,
        discriminator=networks.discriminator,
        loss=losses.wasserstein,
        tricks=[WassersteinDivergence()],
        recipe=networks.recipe.replace(
            discriminator_steps=5,
            generator_optimizer=optimizer,
            discriminator_optimizer=optimizer,
        ),
    )
