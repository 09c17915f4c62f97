# SPDX-License-Identifier: MIT
"""Geometric GAN: the discriminator is a support vector machine, whose loss is the hinge.

Paper: Lim and Ye, Geometric GAN, 2017, arXiv:1705.02894

The discriminator minimizes E max(0, 1 - D(x)) + E max(0, 1 + D(G(z))): only examples inside of the
margin, or on its wrong side, move the separating hyperplane. The generator minimizes -E D(G(z)),
so that its samples move along the normal of the hyperplane.

Departs from the paper: networks and recipe are those of the backbone; the weights of the last
layer are not penalized.
"""

from ganbench import GAN, DataSpec, build_backbone, losses, register


@register
def hinge(data: DataSpec, *, backbone: str = "auto") -> GAN:
    """Geometric GAN: the hinge loss of a support vector machine."""
    networks = build_backbone(backbone, data)
    return GAN(
        generator=networks.generator,
        discriminator=networks.discriminator,
        loss=losses.hinge,
        recipe=networks.recipe,
    )
