# SPDX-License-Identifier: MIT
"""Unrolled GAN: the generator meets the discriminator as it will be some steps later.

Paper: Metz et al., Unrolled Generative Adversarial Networks, 2017, arXiv:1611.02163

A generator that puts all its samples where the discriminator errs now would be punished by the
discriminator's next steps. Its gradient runs through five of them, which the discriminator then
does not make; ``--trick unrolled:steps=10`` looks further ahead.

Departs from the paper: networks and recipe are those of the backbone. The generator minimizes
-log D(G(z)) of its fakes, as the unrolled discriminator sees them; the paper's minimax game has the
term of real examples as well, which depends on the generator through the steps.
"""

from ganbench import GAN, DataSpec, build_backbone, losses, register
from ganbench.tricks.unrolled import Unrolled


@register
def unrolled(data: DataSpec, *, backbone: str = "auto") -> GAN:
    """Unrolled GAN: the generator looks ahead."""
    networks = build_backbone(backbone, data)
    return GAN(
        generator=networks.generator,
        discriminator=networks.discriminator,
        loss=losses.non_saturating,
        tricks=[Unrolled(steps=5)],
        recipe=networks.recipe,
    )
