# SPDX-License-Identifier: MIT
"""Projected GAN: discriminators see features of a frozen network, mixed at random.

Paper: Sauer et al., Projected GANs Converge Faster, 2021, arXiv:2111.01007

A frozen network gives maps at four depths. Frozen random convolutions mix their channels, then
their scales, from the deepest map upward, so that no discriminator can rely on a few features.
Each of the four resulting maps has a discriminator of its own, spectrally normalized, and with the
hinge loss. The generator is FastGAN's; all images are augmented by DiffAugment, with squares of a
fifth of the side cut out, as in the authors' code.

Departs from the paper: the frozen network is not trained on ImageNet. By default its weights are
random (``features=random``), which keeps the projection and gives up what pretraining adds; a small
bundled classifier of clothes (``fashion-cnn``) or digits (``mnist-cnn``) may take its place, with
which the first few thousand images taught the generator less than random weights did. It gets each
color by itself, at the size of the data, and its four maps have two sizes. All maps are mixed to
``width`` channels, and no map of a discriminator is normalized. A metric on the features that a
model was trained with flatters it: do not rank ``features=mnist-cnn`` by ``fid@mnist-cnn``.
"""

from ganbench import GAN, DataSpec, adam, build_backbone, losses, register
from ganbench.backbone import images_only
from ganbench.nn.frozen_features import FrozenNetwork, ProjectedDiscriminator
from ganbench.tricks.diffaugment import DiffAugment
from ganbench.tricks.ema import EMA
from ganbench.tricks.spectral_norm import SpectralNorm


@register
def projected_gan(
    data: DataSpec,
    *,
    backbone: str = "auto",
    features: FrozenNetwork = "random",
    width: int = 32,
) -> GAN:
    """Projected GAN: discriminators of a frozen network's features."""
    images_only("projected-gan", data)
    networks = build_backbone(backbone, data, images="fastgan")
    optimizer = adam(2e-4, (0.0, 0.99))
    return GAN(
        generator=networks.generator,
        discriminator=lambda shape: ProjectedDiscriminator(shape, network=features, width=width),
        loss=losses.hinge,
        tricks=[DiffAugment(cutout=0.2), SpectralNorm(), EMA()],
        recipe=networks.recipe.replace(
            generator_optimizer=optimizer, discriminator_optimizer=optimizer
        ),
    )
