# SPDX-License-Identifier: MIT
"""Strided convolutional networks (Radford et al., 2015, arXiv:1511.06434) for images of any size.

A square is halved while it is even and above four: 28 becomes 14, 7; 32 becomes 16, 8, 4. Other
sizes are halved until the shorter side is between four and eight, and rounded up: 150 becomes 75,
38, 19, 10, 5. A generator cuts the row or column off that doubling makes too many. The width
doubles at every halving.
"""

from __future__ import annotations

from itertools import pairwise
from math import prod
from typing import Literal

from torch import Tensor, nn
from torch.nn.functional import pad

from ganbench.errors import ConfigError
from ganbench.gan import Shape

Norm = Literal["batch", "none"]
Activation = Literal["relu", "elu"]
_ACTIVATIONS: dict[Activation, type[nn.ReLU | nn.ELU]] = {"relu": nn.ReLU, "elu": nn.ELU}


def map_sizes(height: int, width: int) -> list[tuple[int, int]]:
    """Return the sizes of the maps of a generator, from the innermost map to the image.

    >>> map_sizes(28, 28), map_sizes(32, 32)
    ([(7, 7), (14, 14), (28, 28)], [(4, 4), (8, 8), (16, 16), (32, 32)])
    >>> map_sizes(48, 64)
    [(6, 8), (12, 16), (24, 32), (48, 64)]
    >>> map_sizes(75, 75)
    [(5, 5), (10, 10), (19, 19), (38, 38), (75, 75)]

    Raises:
        ConfigError: A side is too short to be halved.
    """
    count = _halvings(height) if height == width else 0
    count = count or (min(height, width) // 4).bit_length() - 1
    if count < 1:
        raise ConfigError(
            f"A convolutional network cannot be built for {height} x {width} pixels.",
            "Use images of at least 8 x 8 pixels, for example --dataset FOLDER@64.",
        )
    return [(-(-height // 2**depth), -(-width // 2**depth)) for depth in reversed(range(count + 1))]


def _halvings(side: int) -> int:
    """Return how often a square is halved without a rest down to at most eight; 0 if it is not."""
    size, count = side, 0
    while size % 2 == 0 and size > 4:
        size, count = size // 2, count + 1
    return count if size <= 8 else 0


class Cut(nn.Module):
    """Cuts rows and columns off at the end: maps (B, C, h, w) to (B, C, height, width).

    Args:
        height: The number of rows that stay.
        width: The number of columns that stay.
    """

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.height, self.width = height, width

    def forward(self, maps: Tensor) -> Tensor:
        """Map (B, C, h, w) to (B, C, height, width)."""
        return maps[:, :, : self.height, : self.width]


def cut_to(size: tuple[int, int], doubled: tuple[int, int]) -> list[nn.Module]:
    """Return what cuts a map that was doubled to its size; nothing where it has that size.

    Args:
        size: The height and width that the map is to have.
        doubled: The height and width before it was doubled.
    """
    return [] if size == (2 * doubled[0], 2 * doubled[1]) else [Cut(*size)]


def made_even(maps: Tensor) -> Tensor:
    """Repeat the last row or column of (B, C, h, w) where their number is odd."""
    height, width = maps.shape[2:]
    if height % 2 == width % 2 == 0:
        return maps
    return pad(maps, (0, width % 2, 0, height % 2), mode="replicate")


class ConvGenerator(nn.Module):
    """A linear layer to a small map, which transposed convolutions double; tanh at the end.

    Maps (B, latent_dim) to (B, *shape) in [-1, 1].

    Args:
        latent_dim: Size of a latent.
        shape: (C, H, W) of an image.
        width: Channels of the outermost map.
        norm: ``batch`` normalizes every map except the image.
        activation: What follows every map except the image.
    """

    def __init__(
        self,
        latent_dim: int,
        shape: Shape,
        *,
        width: int = 64,
        norm: Norm = "batch",
        activation: Activation = "relu",
    ) -> None:
        super().__init__()
        sizes = map_sizes(*shape[1:])
        widths = [width * 2**depth for depth in reversed(range(len(sizes) - 1))]
        self.start = (widths[0], *sizes[0])
        normalized, activate = norm == "batch", _ACTIVATIONS[activation]
        self.project = nn.Linear(latent_dim, prod(self.start), bias=not normalized)
        layers: list[nn.Module] = [nn.BatchNorm2d(widths[0])] if normalized else []
        layers.append(activate(inplace=True))
        steps = list(pairwise(sizes))
        for (inner, outer), (before, after) in zip(pairwise(widths), steps[:-1], strict=True):
            layers.append(
                nn.ConvTranspose2d(inner, outer, 4, stride=2, padding=1, bias=not normalized)
            )
            layers += cut_to(after, before)
            if normalized:
                layers.append(nn.BatchNorm2d(outer))
            layers.append(activate(inplace=True))
        layers.append(nn.ConvTranspose2d(widths[-1], shape[0], 4, stride=2, padding=1))
        layers += [*cut_to(sizes[-1], sizes[-2]), nn.Tanh()]
        self.layers = nn.Sequential(*layers)
        initialize(self)

    def forward(self, latents: Tensor) -> Tensor:
        """Map (B, latent_dim) to (B, *shape)."""
        innermost = self.project(latents).unflatten(1, self.start)  # (B, C, h, w)
        images: Tensor = self.layers(innermost)
        return images


class ConvDiscriminator(nn.Module):
    """Strided convolutions, then a linear layer: maps (B, *shape) to logits (B, outputs).

    Args:
        shape: (C, H, W) of an image.
        width: Channels of the outermost map.
        norm: ``batch`` normalizes every map except the outermost.
        outputs: The number of values of the linear layer, of which a head may take its own.
    """

    def __init__(
        self, shape: Shape, *, width: int = 64, norm: Norm = "batch", outputs: int = 1
    ) -> None:
        super().__init__()
        count = len(map_sizes(*shape[1:])) - 1
        widths = [width * 2**depth for depth in range(count)]
        inner_size = (shape[1] // 2**count, shape[2] // 2**count)
        layers: list[nn.Module] = [
            nn.Conv2d(shape[0], width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2, inplace=True),
        ]
        for outer, inner in pairwise(widths):
            normalized = norm == "batch"
            layers.append(nn.Conv2d(outer, inner, 4, stride=2, padding=1, bias=not normalized))
            if normalized:
                layers.append(nn.BatchNorm2d(inner))
            layers.append(nn.LeakyReLU(0.2, inplace=True))
        layers += [nn.Flatten(), nn.Linear(widths[-1] * prod(inner_size), outputs)]
        self.layers = nn.Sequential(*layers)
        initialize(self)

    def forward(self, images: Tensor) -> Tensor:
        """Map (B, *shape) to logits (B, outputs)."""
        logits: Tensor = self.layers(images)
        return logits


def initialize(module: nn.Module) -> None:
    """Draw weights from N(0, 0.02), gains of normalization from N(1, 0.02), biases 0 (DCGAN)."""
    for layer in module.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0.0, 0.02)
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 1.0, 0.02)
        else:
            continue
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
