# SPDX-License-Identifier: MIT
"""DiffAugment: the discriminator sees all images after random, differentiable changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import pad

from ganbench.config import Recipe
from ganbench.errors import ConfigError
from ganbench.gan import GAN, Condition, DataSpec
from ganbench.nn.mirror import mirrored
from ganbench.registry import register
from ganbench.trick import Trick
from ganbench.turn import Scored, Seen, Turn

Uniform = Callable[[], Tensor]
"""Draws one number in [0, 1) for each image, shaped (B, 1, 1, 1)."""


@register("diffaugment")
@dataclass(frozen=True)
class DiffAugment(Trick):
    """Augments all images that the discriminator sees, real and fake, in both players' turns.

    Paper: Zhao et al., 2020, arXiv:2006.10738

    ``D(T(x))`` with a T that is drawn for each image: a change of ``color`` (1: brightness by up to
    0.5, saturation by a factor of 0 to 2, contrast by 0.5 to 1.5), then a ``translation`` by up to
    this share of the size, filled with gray, then a ``cutout``: a gray square whose side is this
    share of the size. 0 turns each off. The defaults are the paper's values.
    """

    color: Annotated[float, Field(ge=0, le=1)] = 1.0
    translation: Annotated[float, Field(ge=0, lt=1)] = 0.125
    cutout: Annotated[float, Field(ge=0, le=1)] = 0.5

    neutral: ClassVar = {"color": 0.0, "translation": 0.0, "cutout": 0.0}

    def check(self, gan: GAN, recipe: Recipe, data: DataSpec) -> None:
        """Refuse data that are not images, and images that are made from other images.

        Raises:
            ConfigError: The data are of another kind, or the model gets a source for each image.
        """
        if not data.is_image:
            raise ConfigError(
                f"diffaugment changes images, and {data.name} has {data.plural} of {data.size} "
                "numbers.",
                "Remove the trick, or choose images: ganbench ls datasets",
            )
        refuse_sources("diffaugment", gan)

    def see(self, seen: Seen, scored: Scored, turn: Turn) -> Seen:
        """Return augmented images (B, C, H, W) with their condition.

        Raises:
            ConfigError: The discriminator is shown several images of each example.
        """
        refuse_further_images("diffaugment", seen.condition)
        return seen.replace(images=self.augment(seen.images, turn.random(self)))

    def augment(self, images: Tensor, stream: torch.Generator) -> Tensor:
        """Return images (B, C, H, W) after changes that are drawn from a random stream."""

        def uniform() -> Tensor:
            size = (len(images), 1, 1, 1)
            return torch.rand(size, generator=stream, device=images.device, dtype=images.dtype)

        if self.color:
            images = recolor(images, self.color, uniform)
        if self.translation:
            images = translate(images, self.translation, uniform)
        if self.cutout:
            images = cut_out(images, self.cutout, uniform)
        return images


def refuse_sources(name: str, gan: GAN) -> None:
    """Refuse a trick that augments each image alone where a model gets a source for each.

    Raises:
        ConfigError: The model gets a source for each image.
    """
    if gan.conditional == "source":
        raise ConfigError(
            f"{name} augments each image but not its source, so the two would no longer match.",
            f"Remove the trick: --trick {name}:off",
        )


def refuse_further_images(name: str, condition: Condition) -> None:
    """Refuse a trick that changes one image of each example where a model shows several.

    Raises:
        ConfigError: What the discriminator is shown with the images is a tuple or a list.
    """
    if isinstance(condition, tuple | list):
        raise ConfigError(
            f"{name} changes one image of each example, and this model also shows its "
            "discriminator others, which would stay as they are.",
            f"Remove the trick: --trick {name}:off",
        )


def recolor(images: Tensor, strength: float, uniform: Uniform) -> Tensor:
    """Change brightness, saturation and contrast of images (B, C, H, W).

    Args:
        images: The images, usually in [-1, 1].
        strength: The size of the changes, from 0 (none) to 1 (the paper's).
        uniform: Draws the random numbers.
    """
    images = images + strength * (uniform() - 0.5)
    gray = images.mean(1, keepdim=True)  # (B, 1, H, W)
    images = gray + (images - gray) * (1 + strength * (2 * uniform() - 1))
    level = images.mean((1, 2, 3), keepdim=True)  # (B, 1, 1, 1)
    return level + (images - level) * (1 + strength * (uniform() - 0.5))


def translate(images: Tensor, share: float, uniform: Uniform, *, mirror: bool = False) -> Tensor:
    """Move each image (B, C, H, W) by whole pixels, up to a share of its size.

    Args:
        images: The images.
        share: The share of the size, from 0 up to 1.
        uniform: Draws the random numbers.
        mirror: Whether the image goes on beyond its border as in a mirror, and not with zeros.
    """
    shape = images.shape
    for dimension in (2, 3):
        size = shape[dimension]
        reach = int(share * size + 0.5)
        shift = (uniform() * (2 * reach + 1)).floor().long() - reach  # (B, 1, 1, 1)
        positions = torch.arange(size, device=images.device)
        source = _along(dimension, positions) - shift
        if mirror:
            source = mirrored(source, size - 1)
        else:
            source = source.clamp(-1, size) + 1
            margin = (0, 0, 1, 1) if dimension == 2 else (1, 1)
            images = pad(images, margin)  # a zero before and after each line
        images = images.gather(dimension, source.expand(shape))
    return images


def cut_out(images: Tensor, share: float, uniform: Uniform) -> Tensor:
    """Set a rectangle of each image (B, C, H, W) to 0; its sides are a share of the image's."""
    inside = torch.ones(1, 1, 1, 1, dtype=torch.bool, device=images.device)
    for dimension in (2, 3):
        size = images.shape[dimension]
        side = int(share * size + 0.5)
        # The center may lie on any pixel; the rectangle is clipped at the border.
        start = (uniform() * (size + 1 - side % 2)).floor().long() - side // 2
        offset = _along(dimension, torch.arange(size, device=images.device)) - start
        inside = inside & (offset >= 0) & (offset < side)
    return images * ~inside


def _along(dimension: int, values: Tensor) -> Tensor:
    """Reshape values (n,) so that they run along one of four dimensions."""
    shape = [1, 1, 1, 1]
    shape[dimension] = -1
    return values.reshape(shape)
