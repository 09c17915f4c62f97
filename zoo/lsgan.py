# SPDX-License-Identifier: MIT
"""LSGAN: the discriminator is a regression to 1 for real and 0 for generated examples.

Paper: Mao et al., Least Squares Generative Adversarial Networks, 2017, arXiv:1611.04076

A sample that is classified well but lies far from the target still gets a gradient, where the
logarithm's has vanished. Equation 9: targets 1 and 0 for the discriminator, 1 for the generator.

Departs from the paper: networks and recipe are those of the backbone.
"""

from ganbench import GAN, DataSpec, build_backbone, losses, register


@register
def lsgan(data: DataSpec, *, backbone: str = "auto") -> GAN:
    """LSGAN: least squares in place of the logarithm."""
    networks = build_backbone(backbone, data)
    return GAN(
        generator=networks.generator,
        discriminator=networks.discriminator,
        loss=losses.least_squares,
        recipe=networks.recipe,
    )
