# SPDX-License-Identifier: MIT
"""Rotations: the discriminator also names by how much an image was rotated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ganbench.config import Recipe
from ganbench.errors import ConfigError
from ganbench.gan import GAN, DataSpec, DiscriminatorFactory, Shape
from ganbench.moving import Number
from ganbench.nn.last_layer import WithHead, head_of, join_last_layer
from ganbench.registry import register
from ganbench.state import State
from ganbench.trick import Terms, Trick, TrickState, refusal
from ganbench.tricks.diffaugment import refuse_further_images, refuse_sources
from ganbench.tricks.pacgan import PacGAN
from ganbench.turn import Scored, Turn


@register("rotation")
@dataclass(frozen=True)
class Rotation(Trick):
    """Lets the discriminator name rotations of real images, and the generator help it to.

    Paper: Chen et al., 2019, arXiv:1811.11212

    A second head on the features names the rotation r, Q(r | x). Adds ``-discriminator * E log Q(r
    | x^r)`` to the discriminator's loss and ``-generator * E log Q(r | G(z)^r)`` to the
    generator's. Of each batch the first quarter is rotated by 0, 90, 180 and 270 degrees; images
    that are not square by 0 and 180, half of each batch. In the paper, ``discriminator`` (beta) is
    1 and ``generator`` (alpha) 0.2. It costs another pass through the discriminator.
    """

    discriminator: Annotated[Number, Field(ge=0)] = 1.0
    generator: Annotated[Number, Field(ge=0)] = 0.2

    neutral: ClassVar = {"discriminator": 0.0, "generator": 0.0}

    def check(self, gan: GAN, recipe: Recipe, data: DataSpec) -> None:
        """Refuse data that are not images, and images that are made from other images.

        Raises:
            ConfigError: The data are of another kind, or the model gets a source for each image.
        """
        if not data.is_image:
            raise ConfigError(
                f"rotation rotates images, and {data.name} holds {data.plural}.",
                "Remove the trick, or choose images: ganbench ls datasets",
            )
        refuse_sources("rotation", gan)

    def wrap_discriminator(
        self, build: DiscriminatorFactory, data: DataSpec
    ) -> DiscriminatorFactory:
        """Give the discriminator a second head."""
        if self._off:
            return build

        def join(layer: nn.Module) -> nn.Module:
            return WithHead(layer, len(quarter_turns_of(data.shape)), "rotation")

        def joined(shape: Shape) -> nn.Module:
            return join_last_layer(build(shape), "rotation", join)

        return joined

    def start(self, state: State) -> TrickState:
        """Watch the second head.

        Raises:
            ConfigError: A trick lets the discriminator judge several images at once.
        """
        if self._off:
            return {}
        others = [hooks for hooks in state.tricks if isinstance(hooks, PacGAN) and hooks.size > 1]
        if others:
            raise refusal(
                "rotation",
                others,
                "rotation names the rotation of each image, and {others} shows the discriminator "
                "several at once.",
            )
        state.watch(self, head_of(state.discriminator, "rotation"))
        return {}

    @property
    def _off(self) -> bool:
        return self.discriminator == self.generator == 0

    def discriminator_terms(self, turn: Turn) -> Terms:
        """Name how real images were rotated; nothing at a weight of zero."""
        weight = turn.state.now(self.discriminator)
        return {"rotation": weight * self._cross_entropy(turn.real, turn)} if weight else {}

    def generator_terms(self, turn: Turn) -> Terms:
        """Make images of which it can be named; nothing at a weight of zero."""
        weight = turn.state.now(self.generator)
        return {"rotation": weight * self._cross_entropy(turn.fake, turn)} if weight else {}

    def _cross_entropy(self, scored: Scored, turn: Turn) -> Tensor:
        """Return the mean cross-entropy of each rotation of the first images of a batch.

        Raises:
            ConfigError: The discriminator is shown several images of each example.
        """
        refuse_further_images("rotation", scored.seen.condition)
        quarter_turns = quarter_turns_of(turn.state.data.shape)
        images, rotations = rotated(scored.images, quarter_turns)
        condition = scored.seen.condition
        if condition is not None:
            first = condition[: len(images) // len(quarter_turns)]
            condition = torch.cat([first] * len(quarter_turns))
        (odds,) = turn.judge(images, condition).noted(self)
        return cross_entropy(odds, rotations)


def quarter_turns_of(shape: Shape) -> tuple[int, ...]:
    """Return by how many quarter turns images (C, H, W) can be rotated and keep their shape."""
    return (0, 1, 2, 3) if shape[1] == shape[2] else (0, 2)


def rotated(images: Tensor, quarter_turns: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Return the first images of a batch (B, C, H, W), each in every rotation, as many as B.

    Args:
        images: The images.
        quarter_turns: The rotations, in quarter turns against the clock.

    Returns:
        The rotated images (B, C, H, W), all of one rotation after the other, and the indices (B,)
        of their rotations.
    """
    first = images[: max(1, len(images) // len(quarter_turns))]
    turned = torch.cat([first.rot90(quarters, (2, 3)) for quarters in quarter_turns])
    indices = torch.arange(len(quarter_turns), device=images.device)
    return turned, indices.repeat_interleave(len(first))
