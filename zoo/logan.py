# SPDX-License-Identifier: MIT
"""LOGAN: before they are used, latents take a step toward what the discriminator finds real.

Paper: Wu et al., LOGAN: Latent Optimisation for Generative Adversarial Networks, 2019, arXiv:1912.00953

z' = z + 0.9 / (beta + |g|^2) g with g = grad_z D(G(z)), a step of natural gradient ascent, through
which both players are differentiated: each foresees the other's answer. beta is 0.1, as
PyTorch-StudioGAN has it for CIFAR-10. Uniform latents, the hinge loss, and a spectrally normalized discriminator.

Departs from the paper: networks and optimizer are those of the backbone, with no batch
normalization in the discriminator; all latents take the step, and its length is not penalized.
"""

from ganbench import GAN, DataSpec, build_backbone, losses, register
from ganbench.tricks.logan import LOGAN
from ganbench.tricks.spectral_norm import SpectralNorm


@register
def logan(data: DataSpec, *, backbone: str = "auto") -> GAN:
    """LOGAN: latents are optimized before they are used."""
    networks = build_backbone(backbone, data, batch_norm=False)
    return GAN(
        generator=networks.generator,
        discriminator=networks.discriminator,
        loss=losses.hinge,
        tricks=[LOGAN(rate=0.9, damping=0.1), SpectralNorm()],
        recipe=networks.recipe.replace(prior="uniform"),
    )
