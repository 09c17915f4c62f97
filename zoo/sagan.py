# SPDX-License-Identifier: MIT
"""SAGAN: pixels attend to far pixels in both networks, and both are spectrally normalized.

Paper: Zhang, Goodfellow, Metaxas and Odena, Self-Attention Generative Adversarial Networks, 2019, arXiv:1805.08318

A map x becomes x_j + gamma v(sum_i a_ji h(x_i)) with a = softmax_i f(x_i) . g(x_j), where gamma
begins at zero: cues from all places, where a convolution sees its neighborhood. Hinge loss; spectral
normalization of the generator as well; one update of each player, the discriminator's learning
rate four times the generator's. Classes enter the generator by conditional batch normalization, the
discriminator by projection; data without classes are learned without them. The gains and biases of
a class are free: they start at one and at zero, and are not spectrally normalized.

Departs from the paper: small networks (16 to 128 channels), batches of 64 where it has 256, and
attention between at most 256 pixels, by no fewer than 8 values of each; the projection is of 128
features, a linear layer with a LeakyReLU of the sums over pixels, where the authors take the sums
themselves.
"""

from ganbench import (
    GAN,
    DataSpec,
    SpectralNorm,
    adam,
    build_backbone,
    images_only,
    losses,
    register,
)


@register
def sagan(data: DataSpec, *, backbone: str = "auto") -> GAN:
    """SAGAN: self-attention, spectral normalization of both networks, two learning rates."""
    images_only("sagan", data)
    networks, classes = build_backbone(backbone, data, images="sagan"), data.classes
    return GAN(
        generator=networks.labeled_generator(classes) if classes else networks.generator,
        discriminator=networks.projection(classes) if classes else networks.discriminator,
        loss=losses.hinge,
        tricks=[SpectralNorm(generator=True)],
        conditional=bool(classes),
        recipe=networks.recipe.replace(
            generator_optimizer=adam(1e-4, (0.0, 0.9)),
            discriminator_optimizer=adam(4e-4, (0.0, 0.9)),
        ),
    )
