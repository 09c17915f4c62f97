# SPDX-License-Identifier: MIT
"""WGAN: a critic whose clipped weights bound its slope estimates the Wasserstein distance.

Paper: Arjovsky et al., Wasserstein GAN, 2017, arXiv:1701.07875

The critic maximizes E D(x) - E D(G(z)), the generator E D(G(z)). After each update the critic's
weights are clipped to [-0.01, 0.01], which makes it Lipschitz; it takes five steps for one of the
generator, both by RMSprop at 5e-5, because momentum was unstable. ``kimg`` counts what the critic is
shown, so the generator makes a fifth of the updates that it makes elsewhere in as many kimg.

Departs from the paper: networks are those of the backbone; the critic does not take 100 steps in
early iterations, which the authors' does. On points, where such a critic would be flat, the weights
are clipped to [-0.1, 0.1], and the learning rate is ten times as high and falls to zero.
"""

from ganbench import GAN, DataSpec, build_backbone, losses, register, rmsprop
from ganbench.tricks.weight_clipping import WeightClipping


@register
def wgan(data: DataSpec, *, backbone: str = "auto") -> GAN:
    """WGAN: a Wasserstein critic with clipped weights."""
    networks = build_backbone(backbone, data)
    optimizer = rmsprop(5e-5 if data.is_image else 5e-4)
    return GAN(
        generator=networks.generator,
        discriminator=networks.discriminator,
        loss=losses.wasserstein,
        tricks=[WeightClipping(limit=0.01 if data.is_image else 0.1)],
        recipe=networks.recipe.replace(
            discriminator_steps=5,
            generator_optimizer=optimizer,
            discriminator_optimizer=optimizer,
        ),
    )
