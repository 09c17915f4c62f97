# SPDX-License-Identifier: MIT
"""The non-saturating GAN on any backbone: what every other loss is compared with.

Paper: Goodfellow et al., Generative Adversarial Networks, 2014, arXiv:1406.2661

The discriminator maximizes log D(x) + log(1 - D(G(z))), the generator log D(G(z)). Comparisons of
losses, such as Lucic et al., Are GANs Created Equal?, 2018, arXiv:1711.10337, call it NS GAN;
``--set loss=minimax`` gives their MM GAN.

Departs from the paper: networks and recipe are those of the backbone. On ``dcgan`` it is the model
``dcgan``. On ``mlp`` it is the model ``vanilla`` for points; for images it has the same networks, but
trains for another length.
"""

from ganbench import GAN, DataSpec, build_backbone, losses, register


@register
def nsgan(data: DataSpec, *, backbone: str = "auto") -> GAN:
    """The non-saturating loss on any backbone."""
    networks = build_backbone(backbone, data)
    return GAN(
        generator=networks.generator,
        discriminator=networks.discriminator,
        loss=losses.non_saturating,
        recipe=networks.recipe,
    )
