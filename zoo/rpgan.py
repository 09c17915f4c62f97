# SPDX-License-Identifier: MIT
"""RpGAN: the discriminator says which of a real and a generated example is the real one.

Paper: Jolicoeur-Martineau, The Relativistic Discriminator: A Key Element Missing from Standard GAN, 2018, arXiv:1807.00734

The discriminator minimizes E softplus(C(G(z)) - C(x)) over pairs, the generator the same with the
two exchanged: RSGAN in the paper, without a penalty. A generator of only some modes does worse than
the data on pairs from the others.

Departs from the paper: networks are those of the backbone.
"""

from ganbench import GAN, DataSpec, build_backbone, losses, register


@register
def rpgan(data: DataSpec, *, backbone: str = "auto") -> GAN:
    """RpGAN: relativistic pairs of a real and a generated example."""
    networks = build_backbone(backbone, data)
    return GAN(
        generator=networks.generator,
        discriminator=networks.discriminator,
        loss=losses.relativistic,
        recipe=networks.recipe,
    )
