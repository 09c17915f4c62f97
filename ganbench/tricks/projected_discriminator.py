# SPDX-License-Identifier: MIT
"""Projected discriminators: they see features of a frozen network, mixed at random."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field
from torch import nn

from ganbench.config import Recipe
from ganbench.errors import ConfigError
from ganbench.gan import GAN, DataSpec, DiscriminatorFactory, Shape
from ganbench.nn.frozen_features import FrozenNetwork, ProjectedDiscriminator
from ganbench.registry import register
from ganbench.trick import Trick, overridden_hooks


@register("projected-discriminator")
@dataclass(frozen=True)
class ProjectedFeatures(Trick):
    """Replaces the discriminator with those of Projected GAN, on the maps of a frozen network.

    Paper: Sauer et al., 2021, arXiv:2111.01007

    The maps of a frozen network at four depths are mixed over channels and scales by frozen random
    convolutions, and each has a discriminator of its own. The frozen network (``features``) has
    random weights, or is a small bundled classifier of clothes (fashion-cnn) or digits (mnist-cnn),
    where the paper's is trained on ImageNet. All maps are mixed to ``width`` channels. The model
    projected-gan adds what else is in the paper: its generator, augmentation, spectral norms. Do
    not judge by a metric whose network is the one in use.
    """

    order: ClassVar[int] = -2  # before tricks that change the discriminator
    features: FrozenNetwork = "random"
    width: Annotated[int, Field(ge=1)] = 32

    def check(self, gan: GAN, recipe: Recipe, data: DataSpec) -> None:
        """Refuse data that are not images, and models that need a discriminator of their own.

        Raises:
            ConfigError: The data are of another kind, or the discriminator gets more than images,
                or gives more than logits.
        """
        refuse_special_discriminators("projected-discriminator", gan, data)

    def wrap_discriminator(
        self, build: DiscriminatorFactory, data: DataSpec
    ) -> DiscriminatorFactory:
        """Build the projected discriminators instead."""

        def projected(shape: Shape) -> nn.Module:
            return ProjectedDiscriminator(shape, network=self.features, width=self.width)

        return projected


def refuse_special_discriminators(name: str, gan: GAN, data: DataSpec) -> None:
    """Refuse a trick that replaces the discriminator where it must be the model's own.

    Args:
        name: The name of the trick.
        gan: The model.
        data: What is known of the data.

    Raises:
        ConfigError: The data are no images, or the discriminator gets more than images, or gives
            more than logits.
    """
    if not data.is_image:
        raise ConfigError(
            f"{name} judges images, and {data.name} holds {data.plural}.",
            "Remove the trick, or choose images: ganbench ls datasets",
        )
    reading = {"see", "discriminator_terms", "generator_terms", "after_step", "wrap_loss"}
    if gan.conditional or (gan.hooks and overridden_hooks(gan.hooks) & reading):
        raise ConfigError(
            f"{name} replaces the discriminator, and this model needs its own, to which it shows "
            "more than images, or in which it reads more than logits.",
            f"Remove the trick: --trick {name}:off",
        )
