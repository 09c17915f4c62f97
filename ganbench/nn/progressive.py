# SPDX-License-Identifier: MIT
"""ProGAN's networks (Karras et al., 2018, arXiv:1710.10196): whole, and faded in by a buffer.

The buffer ``level`` says how far they have grown: 0 is the innermost size of the images, one more
is the next, and a fraction is the share of the next size that is faded in. Layers beyond it are not
computed, and get no gradient.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from math import prod

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, leaky_relu

from ganbench.gan import Shape
from ganbench.nn.convolutional import map_sizes
from ganbench.nn.equalized import EqualizedConv2d, EqualizedLinear, MinibatchDeviation
from ganbench.nn.residual import repeated

_LARGEST = 256
"""The largest number of channels."""
_GAIN = math.sqrt(2)
"""What He's initialization multiplies weights by, here the activated values."""


def highest_level(shape: Shape) -> int:
    """Return the level at which networks for images (C, H, W) have grown to their whole size."""
    return len(map_sizes(*shape[1:])) - 1


def at_level(images: Tensor, level: float) -> Tensor:
    """Return images (B, C, H, W) with no more detail than networks show at a level.

    They keep their size. Between two levels they are interpolated, as the generator's are.
    """
    sizes = map_sizes(*images.shape[2:])
    whole, share = _split(level)
    reduced = _reduced(images, len(sizes) - 1 - whole)
    if share < 1:
        lower = _enlarged(_reduced(reduced, 1), sizes[whole - 1 : whole + 1])
        reduced = torch.lerp(lower, reduced, share)
    return _enlarged(reduced, sizes[whole:])


def _split(level: float) -> tuple[int, float]:
    """Return the size that is being faded in, or was faded in last, and its share in (0, 1]."""
    whole = math.ceil(level)
    return whole, level - whole + 1


def _reduced(images: Tensor, times: int) -> Tensor:
    """Return the means of 2 x 2 pixels of (B, C, H, W), that often."""
    for _ in range(times):
        images = avg_pool2d(images, 2, ceil_mode=True)
    return images


def _enlarged(images: Tensor, sizes: list[tuple[int, int]]) -> Tensor:
    """Repeat pixels of (B, C, h, w), which have the first of some sizes, up to the last."""
    for size in sizes[1:]:
        images = repeated(images, size)
    return images


def _unit_pixels(maps: Tensor) -> Tensor:
    """Scale the values of each pixel of (B, C, ...) to a mean square of one over channels."""
    return maps * (maps.square().mean(1, keepdim=True) + 1e-8).rsqrt()


def _activated(maps: Tensor) -> Tensor:
    """Apply a LeakyReLU with He's gain."""
    return leaky_relu(maps, 0.2) * _GAIN


def _channels(shape: Shape, width: int) -> list[int]:
    """Return the channels of each of the maps, from the innermost outward."""
    return [min(_LARGEST, width * 2**depth) for depth in reversed(range(highest_level(shape) + 1))]


class ProgressiveGenerator(nn.Module):
    """Doubles a map while a level says so, with an image at each size; tanh at the end.

    Maps (B, latent_dim) to (B, *shape) in [-1, 1]; images of a lower level have larger pixels.

    Args:
        latent_dim: Size of a latent.
        shape: (C, H, W) of an image.
        width: Channels of the outermost map; they double inward, up to 256.
        level: The level at the start.
    """

    level: Tensor

    def __init__(self, latent_dim: int, shape: Shape, *, width: int = 32, level: float) -> None:
        super().__init__()
        self.register_buffer("level", torch.tensor(float(level)))
        self.sizes = map_sizes(*shape[1:])
        channels = _channels(shape, width)
        self.start = (channels[0], *self.sizes[0])
        self.project = EqualizedLinear(latent_dim, prod(self.start))
        self.inner = EqualizedConv2d(channels[0], channels[0])
        pairs = list(pairwise(channels))
        self.first = nn.ModuleList(EqualizedConv2d(inner, outer) for inner, outer in pairs)
        self.second = nn.ModuleList(EqualizedConv2d(outer, outer) for _, outer in pairs)
        self.to_image = nn.ModuleList(EqualizedConv2d(count, shape[0], 1) for count in channels)

    def forward(self, latents: Tensor) -> Tensor:
        """Map (B, latent_dim) to (B, *shape)."""
        whole, share = _split(float(self.level))
        maps = self.project(_unit_pixels(latents)).unflatten(1, self.start)
        maps = _unit_pixels(_activated(maps))
        before = maps = _unit_pixels(_activated(self.inner(maps)))
        for index in range(whole):
            before, maps = maps, _enlarged(maps, self.sizes[index : index + 2])
            for convolution in (self.first[index], self.second[index]):
                maps = _unit_pixels(_activated(convolution(maps)))
        images: Tensor = self.to_image[whole](maps).tanh()
        if share < 1:
            lower = self.to_image[whole - 1](before).tanh()
            lower = _enlarged(lower, self.sizes[whole - 1 : whole + 1])
            images = torch.lerp(lower, images, share)
        return _enlarged(images, self.sizes[whole:])


class ProgressiveDiscriminator(nn.Module):
    """Halves an image from the size that a level says, and sees the deviation within groups.

    Maps (B, *shape) to logits (B, 1).

    Args:
        shape: (C, H, W) of an image.
        width: Channels of the outermost map; they double inward, up to 256.
        level: The level at the start.
        group: The largest number of examples whose deviation is seen.
    """

    level: Tensor

    def __init__(self, shape: Shape, *, width: int = 32, level: float, group: int = 4) -> None:
        super().__init__()
        self.register_buffer("level", torch.tensor(float(level)))
        channels = _channels(shape, width)
        pairs = list(pairwise(channels))
        self.from_image = nn.ModuleList(EqualizedConv2d(shape[0], count, 1) for count in channels)
        self.first = nn.ModuleList(EqualizedConv2d(outer, outer) for _, outer in pairs)
        self.second = nn.ModuleList(EqualizedConv2d(outer, inner) for inner, outer in pairs)
        self.deviation = MinibatchDeviation(group)
        self.last = EqualizedConv2d(channels[0] + 1, channels[0])
        self.hidden = EqualizedLinear(channels[0] * prod(map_sizes(*shape[1:])[0]), channels[0])
        self.logit = EqualizedLinear(channels[0], 1)

    def first_to_last(self) -> Iterator[nn.Module]:
        """Yield the layers as an image of the full size meets them, then those of smaller ones."""
        *smaller, largest = self.from_image
        yield largest
        for first, second in zip(reversed(self.first), reversed(self.second), strict=True):
            yield from (first, second)
        yield from (self.last, self.hidden, self.logit, *smaller)

    def forward(self, images: Tensor) -> Tensor:
        """Map (B, *shape) to logits (B, 1)."""
        whole, share = _split(float(self.level))
        images = _reduced(images, len(self.first) - whole)
        maps = _activated(self.from_image[whole](images))
        for index in reversed(range(whole)):
            maps = _activated(self.first[index](maps))
            maps = _reduced(_activated(self.second[index](maps)), 1)
            if share < 1 and index == whole - 1:
                lower = _activated(self.from_image[index](_reduced(images, 1)))
                maps = torch.lerp(lower, maps, share)
        maps = _activated(self.last(self.deviation(maps)))
        logits: Tensor = self.logit(_activated(self.hidden(maps.flatten(1))))
        return logits
