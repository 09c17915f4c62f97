# SPDX-License-Identifier: MIT
"""PacGAN: the discriminator judges two examples at once, and notices a lack of variety.

Paper: Lin et al., PacGAN: The Power of Two Samples in Generative Adversarial Networks, 2018, arXiv:1712.04086

D(x_1, ..., x_m) sees m real or m generated examples, stacked along the channels, so that only its
first layer grows. Packs of a distribution with mode collapse are easier to tell from real packs
than single samples are. Here m = 2; ``--trick pacgan:size=4`` packs more.

Departs from the paper: networks and recipe are those of the backbone; a batch of B examples makes
B / 2 packs, where the authors' code has B packs of twice as many examples.
"""

from ganbench import GAN, DataSpec, build_backbone, losses, register
from ganbench.tricks.pacgan import PacGAN


@register
def pacgan(data: DataSpec, *, backbone: str = "auto") -> GAN:
    """PacGAN: a discriminator of packs of two."""
    networks = build_backbone(backbone, data)
    return GAN(
        generator=networks.generator,
        discriminator=networks.discriminator,
        loss=losses.non_saturating,
        tricks=[PacGAN(size=2)],
        recipe=networks.recipe,
    )
