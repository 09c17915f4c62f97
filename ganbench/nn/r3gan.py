# SPDX-License-Identifier: MIT
"""R3GAN's residual networks without normalization (Huang et al., 2025, arXiv:2501.05441)."""

from __future__ import annotations

import math
from itertools import pairwise
from math import prod

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from ganbench.gan import Shape
from ganbench.nn.blur import BlurHalve, blur_doubled
from ganbench.nn.convolutional import map_sizes
from ganbench.nn.residual import channels_inward

_SLOPE = 0.2
_ACTIVATION_GAIN = math.sqrt(2 / (1 + _SLOPE**2))
"""What keeps the mean square of N(0, 1) through a LeakyReLU."""
_EXPANSION = 2
_GROUP_CHANNELS = 16
_LARGEST = 8
"""The largest number of channels, as a multiple of the outermost one's."""


class InvertedBottleneck(nn.Module):
    """A 1 x 1, a grouped 3 x 3 and a 1 x 1 convolution with a skip connection; no normalization.

    The inner maps have twice as many channels, in groups of about 16. The last convolution starts
    at zero, and the others so that the inner maps' mean square is 1 / depth of the input's: as many
    blocks then add up to no more than one (Zhang et al., 2019, arXiv:1901.09321).

    Args:
        channels: The number of channels of the input and the output.
        depth: The number of such blocks in the network.
    """

    def __init__(self, channels: int, depth: int) -> None:
        super().__init__()
        inner = _EXPANSION * channels
        groups = math.gcd(inner, max(1, inner // _GROUP_CHANNELS))
        self.expand = nn.Conv2d(channels, inner, 1)
        self.grouped = nn.Conv2d(inner, inner, 3, padding=1, groups=groups)
        self.contract = nn.Conv2d(inner, channels, 1, bias=False)
        gain = _ACTIVATION_GAIN * depth ** (-1 / 4)  # two of them give depth ** (-1 / 2)
        initialize_fan_in(self.expand, gain)
        initialize_fan_in(self.grouped, gain)
        nn.init.zeros_(self.contract.weight)

    def forward(self, maps: Tensor) -> Tensor:
        """Map (B, channels, H, W) to the same shape."""
        inner = leaky_relu(self.expand(maps), _SLOPE)
        changes: Tensor = self.contract(leaky_relu(self.grouped(inner), _SLOPE))
        return maps + changes


class NormFreeGenerator(nn.Module):
    """A learned basis weighted by the latent, then blocks and bilinear doubling; tanh at the end.

    Maps (B, latent_dim) to (B, *shape) in [-1, 1].

    Args:
        latent_dim: Size of a latent.
        shape: (C, H, W) of an image.
        width: Channels of the outermost map; doubled inward, up to eight times as many.
        blocks: The number of residual blocks at each resolution.
    """

    def __init__(self, latent_dim: int, shape: Shape, *, width: int = 16, blocks: int = 1) -> None:
        super().__init__()
        self.sizes = map_sizes(*shape[1:])
        widths = channels_inward(width, len(self.sizes), _LARGEST)[::-1]
        depth = blocks * len(self.sizes)
        self.basis = nn.Parameter(torch.randn(widths[0], *self.sizes[0]))
        self.weigh = _linear(latent_dim, widths[0])
        self.stages = nn.ModuleList(_stage(channels, blocks, depth) for channels in widths)
        self.transitions = nn.ModuleList(_transition(*pair) for pair in pairwise(widths))
        self.to_image = _pointwise(widths[-1], shape[0])

    def forward(self, latents: Tensor) -> Tensor:
        """Map (B, latent_dim) to (B, *shape)."""
        maps = self.stages[0](self.basis * self.weigh(latents)[:, :, None, None])
        for size, transition, stage in zip(
            self.sizes[1:], self.transitions, self.stages[1:], strict=True
        ):
            # A 1 x 1 convolution and an interpolation commute; the smaller map is cheaper.
            maps = stage(blur_doubled(transition(maps), size))
        images: Tensor = self.to_image(maps).tanh()
        return images


class NormFreeDiscriminator(nn.Module):
    """Blocks and bilinear halving, then a learned basis: the generator in reverse.

    Maps (B, *shape) to (B, outputs).

    Args:
        shape: (C, H, W) of an image.
        width: Channels of the outermost map; doubled inward, up to eight times as many.
        blocks: The number of residual blocks at each resolution.
        outputs: The number of values of the last layer.
    """

    def __init__(self, shape: Shape, *, width: int = 16, blocks: int = 1, outputs: int = 1) -> None:
        super().__init__()
        sizes = map_sizes(*shape[1:])
        widths = channels_inward(width, len(sizes), _LARGEST)
        depth = blocks * len(sizes)
        self.from_image = _pointwise(shape[0], width)
        self.stages = nn.ModuleList(_stage(channels, blocks, depth) for channels in widths)
        self.halve = BlurHalve()
        self.transitions = nn.ModuleList(_transition(*pair) for pair in pairwise(widths))
        deviation = 1 / math.sqrt(prod(sizes[0]))
        self.basis = nn.Parameter(torch.randn(widths[-1], *sizes[0]) * deviation)
        self.head = _linear(widths[-1], outputs)

    def forward(self, images: Tensor) -> Tensor:
        """Map (B, *shape) to (B, outputs)."""
        maps = self.stages[0](self.from_image(images))
        for transition, stage in zip(self.transitions, self.stages[1:], strict=True):
            maps = stage(transition(self.halve(maps)))
        values: Tensor = self.head((maps * self.basis).sum((2, 3)))
        return values


def initialize_fan_in(layer: nn.Linear | nn.Conv2d, gain: float = 1.0) -> None:
    """Draw weights from N(0, gain^2 / fan-in), so that outputs have gain^2 of the mean square.

    Biases are 0 (He et al., 2015, arXiv:1502.01852).
    """
    nn.init.normal_(layer.weight, 0.0, gain / math.sqrt(layer.weight[0].numel()))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def _stage(channels: int, blocks: int, depth: int) -> nn.Sequential:
    return nn.Sequential(*(InvertedBottleneck(channels, depth) for _ in range(blocks)))


def _transition(inputs: int, outputs: int) -> nn.Module:
    """Return what changes the number of channels; nothing where it stays."""
    return nn.Identity() if inputs == outputs else _pointwise(inputs, outputs)


def _pointwise(inputs: int, outputs: int) -> nn.Conv2d:
    layer = nn.Conv2d(inputs, outputs, 1, bias=False)
    initialize_fan_in(layer)
    return layer


def _linear(inputs: int, outputs: int) -> nn.Linear:
    layer = nn.Linear(inputs, outputs, bias=False)
    initialize_fan_in(layer)
    return layer
