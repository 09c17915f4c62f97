# SPDX-License-Identifier: MIT
"""A backbone: the pair of networks on which the idea of a variant is tried.

A variant whose function has the parameter ``backbone: str = "auto"`` runs on every pair of networks
of the catalogue ``ganbench/backbones/``, so that two losses are compared on the same backbone.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from ganbench import registry
from ganbench.config import Recipe, TrickConfig, parse_trick
from ganbench.errors import ConfigError
from ganbench.gan import DataSpec, DiscriminatorFactory, GeneratorFactory, Shape
from ganbench.model_parameters import resolve_parameters
from ganbench.nn.conditional import (
    LabeledGenerator,
    ProjectionDiscriminator,
    TwoHeads,
    unit_embedding,
)
from ganbench.user_code import place_of

AUTO = "auto"
"""What stands for the backbone that fits the data: perceptrons for all but images."""
PROJECTED_FEATURES = 128


@dataclass(frozen=True)
class Backbone:
    """A generator with the network of its discriminator, as factories, and how both are trained."""

    generator: GeneratorFactory
    """Builds a network that maps latents (B, latent_dim) to examples (B, *data.shape)."""
    network: Callable[[Shape, int], nn.Module]
    """Builds a network that maps examples (B, *shape) to values (B, outputs), the first of which
    is the logit where it serves as a discriminator."""
    recipe: Recipe
    labeled: Callable[[int, int], nn.Module] | None = None
    """Builds a generator from the size of a latent and the number of classes. It maps latents and
    labels (B,) int64 to examples; None appends the label to the latent as a one-hot vector."""

    def discriminator(self, shape: Shape) -> nn.Module:
        """Return a discriminator: maps (B, *shape) to logits (B, 1)."""
        return self.network(shape, 1)

    def two_heads(self, values: int) -> DiscriminatorFactory:
        """Return the factory of a discriminator whose second head has some values.

        The discriminator maps (B, *shape) to logits (B, 1) and, as extras, values (B, values).
        """
        return lambda shape: TwoHeads(self.network(shape, 1 + values))

    def labeled_generator(self, classes: int) -> GeneratorFactory:
        """Return the factory of a generator of latents (B, latent_dim) and labels (B,) int64."""
        labeled = self.labeled
        if labeled is not None:
            return lambda latent_dim: labeled(latent_dim, classes)
        return lambda latent_dim: LabeledGenerator(self.generator(latent_dim + classes), classes)

    def projection(self, classes: int) -> DiscriminatorFactory:
        """Return the factory of a projection discriminator of examples and labels (B,) int64."""

        def discriminator(shape: Shape) -> ProjectionDiscriminator:
            network = self.network(shape, PROJECTED_FEATURES)
            embed = unit_embedding(classes, PROJECTED_FEATURES)
            return ProjectionDiscriminator(network, PROJECTED_FEATURES, embed)

        return discriminator

    def encoder(self, codes: int, shape: Shape) -> nn.Module:
        """Return a network of the discriminator's kind: maps (B, *shape) to codes (B, codes)."""
        return self.network(shape, codes)


def build_backbone(
    name: str,
    data: DataSpec,
    *,
    images: str = "dcgan",
    others: str = "mlp",
    batch_norm: bool = True,
) -> Backbone:
    """Return the backbone of that name for some data.

    Args:
        name: A name of ``ganbench ls backbones``, perhaps with parameters: ``resnet:width=32``; a
            user's file, ``./mynetworks.py``; or ``auto``, perhaps with parameters as well.
        data: What is known of the data.
        images: What ``auto`` stands for where the data are images.
        others: What ``auto`` stands for where they are not.
        batch_norm: Whether the discriminator may normalize by the statistics of a batch, which
            penalties on its gradient forbid. Backbones that never do so ignore it; a parameter of
            that name in ``name`` overrides it.

    Raises:
        UnknownNameError: No backbone has that name.
        ConfigError: A parameter does not fit, or the backbone does not take such data.
    """
    config: TrickConfig = parse_trick(name)
    if config.name == AUTO:
        usual = parse_trick(images if data.is_image else others)
        config = TrickConfig(name=usual.name, parameters=usual.parameters | config.parameters)
    build: Callable[..., Backbone] = registry.backbones.get(config.name)
    requested = dict(config.parameters)
    if "batch_norm" in inspect.signature(build).parameters:
        requested.setdefault("batch_norm", batch_norm)
    parameters = resolve_parameters(
        f"backbone {config.name}", build, requested, prefix=f"{config.name}."
    )
    backbone = build(data, **parameters)
    if not isinstance(backbone, Backbone):
        raise ConfigError(
            f"{place_of(build)}: the backbone '{config.name}' returned "
            f"{type(backbone).__name__}, not a Backbone."
        )
    return backbone


def images_only(name: str, data: DataSpec) -> None:
    """Refuse data other than images.

    Raises:
        ConfigError: Examples are no images.
    """
    if not data.is_image:
        raise ConfigError(
            f"{name} draws images, and {data.name} holds {data.plural}.",
            "For other data choose another model, or the backbone mlp or auto.",
        )


def classes_needed(name: str, data: DataSpec) -> int:
    """Return the number of classes of some data.

    Raises:
        ConfigError: The data have no labels.
    """
    if not data.classes:
        raise ConfigError(
            f"{name} learns from labels, and {data.name} has none.",
            "Choose a model without labels: ganbench ls models",
        )
    return data.classes
