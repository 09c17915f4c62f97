# SPDX-License-Identifier: MIT
"""SNGAN: each weight matrix of the discriminator is divided by its largest singular value.

Paper: Miyato et al., Spectral Normalization for Generative Adversarial Networks, 2018, arXiv:1802.05957

A product of layers with spectral norm one is 1-Lipschitz. The norms are estimated by one power
iteration in each pass. Residual networks, hinge loss, five steps of the discriminator for one of
the generator, Adam at 2e-4 with betas (0, 0.9).

Departs from the paper: the widths are those of the backbone. On images the learning rate is
constant and an update of the generator sees as many samples as a batch has images, 64; the authors'
code for CIFAR-10 lowers the rate linearly to zero and draws 128 samples. On points the networks are
perceptrons, with the optimizer and the schedule of the backbone.
"""

from ganbench import GAN, DataSpec, build_backbone, losses, register
from ganbench.tricks.spectral_norm import SpectralNorm


@register
def sngan(data: DataSpec, *, backbone: str = "auto") -> GAN:
    """SNGAN: a spectrally normalized discriminator."""
    networks = build_backbone(backbone, data, images="resnet", batch_norm=False)
    return GAN(
        generator=networks.generator,
        discriminator=networks.discriminator,
        loss=losses.hinge,
        tricks=[SpectralNorm()],
        recipe=networks.recipe.replace(discriminator_steps=5),
    )
