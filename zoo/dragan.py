# SPDX-License-Identifier: MIT
"""DRAGAN: the discriminator's slope is held near one around the data.

Paper: Kodali et al., On Convergence and Stability of GANs, 2017, arXiv:1705.07215

Mode collapse comes with local equilibria, at which the discriminator is steep around real examples.
A penalty keeps the norm of its gradient near one at real examples with noise; the loss is the
original one.

Departs from the paper: networks are those of the backbone, with no batch normalization in the
discriminator. On points the optimizer is the backbone's, and the penalty weighs 0.1 as in WGAN-GP's
toy code: at the paper's 10, ring8 was not learned.
"""

from ganbench import GAN, DataSpec, adam, build_backbone, losses, register
from ganbench.tricks.dragan import DRAGAN


@register
def dragan(data: DataSpec, *, backbone: str = "auto") -> GAN:
    """DRAGAN: a gradient penalty around the data."""
    networks = build_backbone(backbone, data, batch_norm=False)
    optimizer = adam(1e-4, (0.5, 0.9)) if data.is_image else None
    return GAN(
        generator=networks.generator,
        discriminator=networks.discriminator,
        loss=losses.non_saturating,
        tricks=[DRAGAN(weight=10.0 if data.is_image else 0.1)],
        recipe=networks.recipe.replace(
            generator_optimizer=optimizer, discriminator_optimizer=optimizer
        ),
    )
