# SPDX-License-Identifier: MIT
"""Projection discriminator: the label enters as an inner product with the features.

Paper: Miyato and Koyama, cGANs with Projection Discriminator, 2018, arXiv:1802.05637

D(x, y) = psi(phi(x)) + <V y, phi(x)>, with an embedding V y of the class: the form that the
optimal logit has if the classes given x, in the data and in the samples, are softmax models of
the same features. Hinge loss; every layer of the discriminator is spectrally normalized, its
embedding too; five steps of the discriminator for one of the generator.

Departs from the paper: the networks are DCGAN's, not residual ones, with no batch normalization in
the discriminator; the label enters the generator as a one-hot vector, not by conditional batch
normalization; phi is a linear layer of 128 features over all pixels, not a sum over them.
"""

from torch import nn

from ganbench import (
    GAN,
    MLP,
    ConvDiscriminator,
    ConvGenerator,
    DataSpec,
    Recipe,
    adam,
    losses,
    register,
)
from ganbench.backbone import classes_needed
from ganbench.nn.conditional import LabeledGenerator, ProjectionDiscriminator, unit_embedding
from ganbench.tricks.spectral_norm import SpectralNorm

FEATURES = 128


@register
def cgan_projection(data: DataSpec) -> GAN:
    """Projection discriminator: the label as an inner product with the features."""
    classes = classes_needed("cgan-projection", data)

    def embedding() -> nn.Module:
        return unit_embedding(classes, FEATURES)

    if data.is_image:
        return GAN(
            generator=lambda latent_dim: LabeledGenerator(
                ConvGenerator(latent_dim + classes, data.shape), classes
            ),
            discriminator=lambda shape: ProjectionDiscriminator(
                ConvDiscriminator(shape, norm="none", outputs=FEATURES), FEATURES, embedding()
            ),
            loss=losses.hinge,
            tricks=[SpectralNorm()],
            conditional=True,
            recipe=Recipe(
                kimg=320 if data.resolution <= 32 else 2000,
                batch_size=64,
                discriminator_steps=5,
                latent_dim=128,
                generator_optimizer=adam(2e-4, (0.0, 0.9)),
                discriminator_optimizer=adam(2e-4, (0.0, 0.9)),
            ),
        )
    return GAN(
        generator=lambda latent_dim: LabeledGenerator(
            MLP((latent_dim + classes,), [128, 128, 128], data.shape), classes
        ),
        discriminator=lambda shape: ProjectionDiscriminator(
            MLP(shape, [128, 128], (FEATURES,)), FEATURES, embedding()
        ),
        loss=losses.hinge,
        tricks=[SpectralNorm()],
        conditional=True,
        recipe=Recipe(
            kimg=2000,
            batch_size=128,
            discriminator_steps=5,
            latent_dim=2,
            generator_optimizer=adam(5e-4, (0.0, 0.9)),
            discriminator_optimizer=adam(5e-4, (0.0, 0.9)),
            schedule="linear",
        ),
    )
