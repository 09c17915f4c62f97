# SPDX-License-Identifier: MIT
"""FastGAN's networks (Liu et al., 2021, arXiv:2101.04775) for images of any size."""

from __future__ import annotations

from itertools import pairwise
from math import prod

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, avg_pool2d, glu, interpolate, leaky_relu

from ganbench.gan import Shape
from ganbench.nn.convolutional import Norm, initialize, made_even, map_sizes
from ganbench.nn.residual import channels_inward, initialize_orthogonal

_LARGEST = 8
"""The largest number of channels, as a multiple of the outermost one's."""
_DISTANCE = 4
"""The number of doublings that a skip connection of the generator spans."""
_POOLED = 4
"""The side of the map from which channels are excited."""
_DECODED = 4
"""The largest number of doublings of a decoder."""


class LearnedNoise(nn.Module):
    """Adds noise, equal in all channels, at a learned strength that begins at zero."""

    def __init__(self) -> None:
        super().__init__()
        self.strength = nn.Parameter(torch.zeros(()))

    def forward(self, maps: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, C, H, W); the noise comes from torch's global stream."""
        noise = torch.randn_like(maps[:, :1])
        return maps + self.strength * noise


class GatedConvolution(nn.Module):
    """A convolution, batch normalization, and a gated linear unit (arXiv:1612.08083).

    Half of the channels are multiplied by the sigmoid of the other half.

    Args:
        inputs: The number of channels of the input.
        outputs: The number of channels of the output.
        noisy: Whether noise of a learned strength follows the convolution.
    """

    def __init__(self, inputs: int, outputs: int, *, noisy: bool = False) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, 2 * outputs, 3, padding=1, bias=False)
        self.noise = LearnedNoise() if noisy else nn.Identity()
        self.norm = nn.BatchNorm2d(2 * outputs)

    def forward(self, maps: Tensor) -> Tensor:
        """Map (B, inputs, H, W) to (B, outputs, H, W)."""
        return glu(self.norm(self.noise(self.convolution(maps))), 1)


class GatedUp(nn.Module):
    """Doubles a map, cut to a size: one gated convolution, or two with noise.

    Args:
        inputs: The number of channels of the input.
        outputs: The number of channels of the output.
        size: The height and width of the output; None keeps every row and column.
        twice: Whether there are two convolutions, with noise.
    """

    def __init__(
        self, inputs: int, outputs: int, size: tuple[int, int] | None, *, twice: bool = False
    ) -> None:
        super().__init__()
        self.size = size
        self.layers = nn.Sequential(GatedConvolution(inputs, outputs, noisy=twice))
        if twice:
            self.layers.append(GatedConvolution(outputs, outputs, noisy=True))

    def forward(self, maps: Tensor) -> Tensor:
        """Map (B, inputs, h, w) to (B, outputs, *size)."""
        doubled = interpolate(maps, scale_factor=2.0)
        if self.size is not None:
            doubled = doubled[:, :, : self.size[0], : self.size[1]]
        outputs: Tensor = self.layers(doubled)
        return outputs


class SkipExcitation(nn.Module):
    """Scales the channels of a large map by what a small one holds (section 3.1 of the paper).

    ``y = F(small) * large`` with a number in [0, 1] for each channel: means over 4 x 4 parts of the
    small map, a convolution over all of them, LeakyReLU, a linear layer and a sigmoid. Unlike a
    residual connection it joins maps of different sizes.

    Args:
        small: The number of channels of the small map.
        large: The number of channels of the large map.
    """

    def __init__(self, small: int, large: int) -> None:
        super().__init__()
        self.gate = nn.Sequential(
            nn.Conv2d(small, large, _POOLED, bias=False),
            nn.LeakyReLU(0.1),
            nn.Conv2d(large, large, 1, bias=False),
            nn.Sigmoid(),
        )

    def forward(self, small: Tensor, large: Tensor) -> Tensor:
        """Map (B, small, h, w) and (B, large, H, W) to (B, large, H, W)."""
        gates: Tensor = self.gate(adaptive_avg_pool2d(small, _POOLED))  # (B, large, 1, 1)
        return large * gates


class FastGenerator(nn.Module):
    """Gated convolutions whose inner maps excite the channels of outer ones; tanh at the end.

    Maps (B, latent_dim) to (B, *shape) in [-1, 1]. A map is excited by the one four doublings
    before it, in smaller images by the innermost.

    Args:
        latent_dim: Size of a latent.
        shape: (C, H, W) of an image.
        width: Channels of the outermost map; doubled inward, up to eight times as many.
    """

    def __init__(self, latent_dim: int, shape: Shape, *, width: int = 32) -> None:
        super().__init__()
        sizes = map_sizes(*shape[1:])
        widths = channels_inward(width, len(sizes), _LARGEST)[::-1]
        self.start = (2 * widths[0], *sizes[0])
        self.project = nn.Linear(latent_dim, prod(self.start), bias=False)
        self.norm = nn.BatchNorm2d(2 * widths[0])
        self.stages = nn.ModuleList(
            GatedUp(inner, outer, size, twice=index % 2 == 0)
            for index, ((inner, outer), size) in enumerate(
                zip(pairwise(widths), sizes[1:], strict=True)
            )
        )
        self.distance = min(_DISTANCE, len(self.stages))
        self.excitations = nn.ModuleList(
            SkipExcitation(small, large)
            for small, large in zip(widths, widths[self.distance :], strict=False)
        )
        self.to_image = nn.Conv2d(widths[-1], shape[0], 3, padding=1)
        initialize_orthogonal(self)

    def forward(self, latents: Tensor) -> Tensor:
        """Map (B, latent_dim) to (B, *shape)."""
        innermost = self.project(latents).unflatten(1, self.start)
        maps = [glu(self.norm(innermost), 1)]  # (B, C, h, w), from the inside out
        for index, stage in enumerate(self.stages, start=1):
            current = stage(maps[-1])
            source = index - self.distance
            if source >= 0:
                current = self.excitations[source](maps[source], current)
            maps.append(current)
        images: Tensor = self.to_image(maps[-1]).tanh()
        return images


def _normalized(convolution: nn.Conv2d, norm: Norm) -> nn.Sequential:
    """Return a convolution, a normalization of its outputs unless there is none, and LeakyReLU."""
    layers: list[nn.Module] = [convolution]
    if norm == "batch":
        layers.append(nn.BatchNorm2d(convolution.out_channels))
    return nn.Sequential(*layers, nn.LeakyReLU(0.2))


class ResidualHalving(nn.Module):
    """Halves a map: the mean of two convolutions and of a linear layer of 2 x 2 means.

    Args:
        inputs: The number of channels of the input.
        outputs: The number of channels of the output.
        norm: ``batch`` normalizes after each convolution.
    """

    def __init__(self, inputs: int, outputs: int, norm: Norm) -> None:
        super().__init__()
        biased = norm == "none"
        self.main = nn.Sequential(
            _normalized(nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, bias=biased), norm),
            _normalized(nn.Conv2d(outputs, outputs, 3, padding=1, bias=biased), norm),
        )
        self.direct = _normalized(nn.Conv2d(inputs, outputs, 1, bias=biased), norm)

    def forward(self, maps: Tensor) -> Tensor:
        """Map (B, inputs, h, w) to (B, outputs, h / 2, w / 2), rounded up."""
        maps = made_even(maps)
        halved: Tensor = (self.main(maps) + self.direct(avg_pool2d(maps, 2))) / 2
        return halved


class HalvingEncoder(nn.Module):
    """A convolution and residual halvings: maps (B, *shape) to maps of the last two sizes.

    Args:
        shape: (C, H, W) of an image.
        width: Channels of the outermost map; doubled inward, up to eight times as many.
        norm: ``batch`` normalizes all maps except the outermost.
    """

    def __init__(self, shape: Shape, *, width: int, norm: Norm) -> None:
        super().__init__()
        count = len(map_sizes(*shape[1:])) - 1
        # The first convolution halves as well, unless a single halving is all there is.
        stride = 1 if count == 1 else 2
        widths = channels_inward(width, max(count, 2), _LARGEST)
        self.first = nn.Conv2d(shape[0], width, 4 - stride % 2, stride=stride, padding=1)
        self.blocks = nn.ModuleList(
            ResidualHalving(outer, inner, norm) for outer, inner in pairwise(widths)
        )
        self.channels = (widths[-2], widths[-1])
        """The channels of the two maps, the larger map first."""

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Map (B, *shape) to maps (B, C, h, w) of the last two sizes, the larger first."""
        outer = inner = leaky_relu(self.first(made_even(images)), 0.2)
        for block in self.blocks:
            outer, inner = inner, block(inner)
        return outer, inner


class FastDiscriminator(nn.Module):
    """Residual halvings and a linear layer: maps (B, *shape) to (B, outputs).

    Args:
        shape: (C, H, W) of an image.
        width: Channels of the outermost map; doubled inward, up to eight times as many.
        norm: ``batch`` normalizes all maps except the outermost.
        outputs: The number of values of the linear layer.
    """

    def __init__(
        self, shape: Shape, *, width: int = 32, norm: Norm = "batch", outputs: int = 1
    ) -> None:
        super().__init__()
        self.encoder = HalvingEncoder(shape, width=width, norm=norm)
        innermost = map_sizes(*shape[1:])[0]
        self.head = nn.Linear(self.encoder.channels[1] * prod(innermost), outputs)
        initialize(self)

    def forward(self, images: Tensor) -> Tensor:
        """Map (B, *shape) to (B, outputs)."""
        _, inner = self.encoder(images)
        values: Tensor = self.head(inner.flatten(1))
        return values


class SelfSupervisedDiscriminator(nn.Module):
    """Residual halvings that judge patches, and show the maps from which images are decoded.

    Maps (B, *shape) to logits (B, 1, h, w) and, as extras, the maps of the last two sizes.

    Args:
        shape: (C, H, W) of an image.
        width: Channels of the outermost map; doubled inward, up to eight times as many.
    """

    def __init__(self, shape: Shape, *, width: int = 32) -> None:
        super().__init__()
        self.encoder = HalvingEncoder(shape, width=width, norm="batch")
        inner = self.encoder.channels[1]
        self.head = nn.Sequential(
            _normalized(nn.Conv2d(inner, inner, 1, bias=False), "batch"),
            nn.Conv2d(inner, 1, 4),
        )
        initialize(self)

    def forward(self, images: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Map (B, *shape) to logits (B, 1, h, w) and two maps (B, C, h, w), the larger first."""
        maps = self.encoder(images)
        return self.head(maps[1]), maps


class MapDecoders(nn.Module):
    """Two small decoders: of a part of a discriminator's outer map, and of its inner map.

    They rebuild images at the size of the data, or at sixteen times that of a map where this is
    less.

    Args:
        shape: (C, H, W) of an image.
        width: That of the discriminator.
    """

    def __init__(self, shape: Shape, *, width: int = 32) -> None:
        super().__init__()
        count = len(map_sizes(*shape[1:])) - 1
        outer, inner = channels_inward(width, max(count, 2), _LARGEST)[-2:]
        self.part = _decoder(outer, shape[0], min(count - 1, _DECODED))
        self.whole = _decoder(inner, shape[0], min(count, _DECODED))
        initialize(self)

    def forward(self, part: Tensor, whole: Tensor) -> tuple[Tensor, Tensor]:
        """Map a part of the outer map, and the inner map, to images (B, C, H, W) in [-1, 1]."""
        return self.part(part), self.whole(whole)


def _decoder(inputs: int, channels: int, doublings: int) -> nn.Sequential:
    """Return gated convolutions that double a map that often, and make an image of it."""
    widths = [max(inputs // 2**depth, 1) for depth in range(doublings + 1)]
    ups = (GatedUp(before, after, None) for before, after in pairwise(widths))
    return nn.Sequential(*ups, nn.Conv2d(widths[-1], channels, 3, padding=1), nn.Tanh())
