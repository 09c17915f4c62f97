# SPDX-License-Identifier: MIT
"""BigGAN: SAGAN with the latent and a shared class embedding in every block of the generator.

Paper: Brock, Donahue and Simonyan, Large Scale GAN Training for High Fidelity Natural Image Synthesis, 2019, arXiv:1809.11096

The latent is split; its first part becomes the innermost map, and each other part, with an embedding
of the class that all blocks share, makes the gains and biases of one block. Orthogonal weights at the
start, hinge loss, a projection discriminator, spectral normalization of both networks except that
embedding, two updates of the discriminator for one of the generator, and samples from an average of
the generator's weights. Truncated latents trade variety for quality: add the trick truncation. Data
without classes are learned without them: the parts of the latent alone modulate the blocks.

Departs from the paper: small networks and batches of 64, not of 2048; learning rates of 0.0001 and
0.0004, which it halves for its large batches; no orthogonal regularization; the average forgets
half in 10 kimg; the discriminator's last layer and its class embedding do not start orthogonal. The
inner product is with 128 features, a linear layer with a LeakyReLU of the sums over pixels, where
the authors take the sums themselves. The averaged weights are sampled with the running statistics
of the last weights, where the paper has standing statistics: add the trick standing-statistics.
"""

from ganbench import (
    EMA,
    GAN,
    DataSpec,
    SpectralNorm,
    build_backbone,
    images_only,
    losses,
    register,
)


@register
def biggan(data: DataSpec, *, backbone: str = "auto") -> GAN:
    """BigGAN, small: parts of the latent and the class in every block."""
    images_only("biggan", data)
    networks, classes = build_backbone(backbone, data, images="biggan"), data.classes
    return GAN(
        generator=networks.labeled_generator(classes) if classes else networks.generator,
        discriminator=networks.projection(classes) if classes else networks.discriminator,
        loss=losses.hinge,
        tricks=[SpectralNorm(generator=True), EMA()],
        conditional=bool(classes),
        recipe=networks.recipe.replace(discriminator_steps=2),
    )
