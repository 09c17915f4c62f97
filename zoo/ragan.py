# SPDX-License-Identifier: MIT
"""RaGAN: the discriminator says how much more real an example is than the mean of the other kind.

Paper: Jolicoeur-Martineau, The Relativistic Discriminator: A Key Element Missing from Standard GAN, 2018, arXiv:1807.00734

D(x) = sigmoid(C(x) - E C(G(z))) for real examples, sigmoid(C(G(z)) - E C(x)) for generated ones. The
generator swaps the two: it makes real examples look less real as well, so that both kinds give it
gradients. This is the form with logarithms, RaSGAN.

Departs from the paper: networks are those of the backbone.
"""

from ganbench import GAN, DataSpec, build_backbone, losses, register


@register
def ragan(data: DataSpec, *, backbone: str = "auto") -> GAN:
    """RaGAN: a relativistic average discriminator."""
    networks = build_backbone(backbone, data)
    return GAN(
        generator=networks.generator,
        discriminator=networks.discriminator,
        loss=losses.relativistic_average,
        recipe=networks.recipe,
    )
