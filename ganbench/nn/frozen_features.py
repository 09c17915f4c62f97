# SPDX-License-Identifier: MIT
"""Discriminators of the features of a frozen network (Sauer et al., 2021, arXiv:2111.01007)."""

from __future__ import annotations

from itertools import pairwise
from math import sqrt
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, interpolate
from torch.nn.utils.fusion import fuse_conv_bn_eval

from ganbench import registry
from ganbench.gan import Shape
from ganbench.nn.convolutional import made_even
from ganbench.runtime.global_random import seeded

FrozenNetwork = Literal["random", "fashion-cnn", "mnist-cnn"]
"""A frozen network of one channel: with random weights, or a bundled classifier."""

_RANDOM_CHANNELS = (32, 64, 64, 128)
_RANDOM_STRIDES = (2, 1, 2, 1)
"""The maps of the random network are those of the classifiers."""


class FrozenConvolution(nn.Module):
    """A convolution whose weights are buffers: nothing trains, normalizes or clips them.

    Args:
        weight: The weights (outputs, inputs, k, k), with an odd k.
        bias: The biases (outputs,); None for none.
        stride: By how much the map becomes smaller.
    """

    weight: Tensor
    bias: Tensor | None

    def __init__(self, weight: Tensor, bias: Tensor | None = None, *, stride: int = 1) -> None:
        super().__init__()
        self.register_buffer("weight", weight.detach().clone())
        self.register_buffer("bias", None if bias is None else bias.detach().clone())
        self.stride = stride

    def forward(self, maps: Tensor) -> Tensor:
        """Map (B, inputs, H, W) to (B, outputs, H / stride, W / stride), rounded up."""
        padding = self.weight.shape[-1] // 2
        return conv2d(maps, self.weight, self.bias, stride=self.stride, padding=padding)


def _random_convolution(
    inputs: int, outputs: int, kernel: int, *, gain: float = 1.0, stride: int = 1
) -> FrozenConvolution:
    """Return a frozen convolution with He's initialization, times a gain."""
    deviation = gain / sqrt(inputs * kernel**2)
    weight = torch.randn(outputs, inputs, kernel, kernel) * deviation
    return FrozenConvolution(weight, stride=stride)


def frozen_layers(network: FrozenNetwork) -> list[FrozenConvolution]:
    """Return the four convolutions of a frozen network, batch normalization included in them.

    Random weights are drawn from torch's global stream.
    """
    if network == "random":
        widths = (1, *_RANDOM_CHANNELS)
        return [
            _random_convolution(inputs, outputs, 3, gain=sqrt(2), stride=stride)
            for (inputs, outputs), stride in zip(pairwise(widths), _RANDOM_STRIDES, strict=True)
        ]
    with seeded(0, torch.device("cpu")):  # a network draws numbers when it is first loaded
        body = registry.networks.get(network)().module.body
    folded = [fuse_conv_bn_eval(stage[0], stage[1]) for stage in body]
    return [FrozenConvolution(each.weight, each.bias, stride=each.stride[0]) for each in folded]


class FrozenPyramid(nn.Module):
    """Features of a frozen network, mixed at random across channels, then across scales.

    Each channel of an image goes through the network by itself, so that color counts. A frozen
    1 x 1 convolution mixes the features of each depth; from the deepest upward, a frozen 3 x 3
    convolution mixes them with what came from below, enlarged bilinearly.

    Args:
        channels: The channels of the images.
        network: The frozen network.
        width: The channels of each map of the pyramid.
    """

    def __init__(self, channels: int, network: FrozenNetwork, width: int) -> None:
        super().__init__()
        layers = frozen_layers(network)
        self.layers = nn.ModuleList(layers)
        self.strides = [layer.stride for layer in layers]
        """By how much each layer of the frozen network makes its map smaller."""
        counts = [channels * len(layer.weight) for layer in layers]
        self.across_channels = nn.ModuleList(
            _random_convolution(count, width, 1) for count in counts
        )
        # A sum of two maps of equal variance gets that variance again.
        self.across_scales = nn.ModuleList(
            _random_convolution(width, width, 3, gain=1.0 if depth == len(counts) else sqrt(0.5))
            for depth in range(1, len(counts) + 1)
        )

    def forward(self, images: Tensor) -> list[Tensor]:
        """Map (B, channels, H, W) to four maps (B, width, h, w), the largest first."""
        count, channels = images.shape[:2]
        maps = images.flatten(0, 1)[:, None]  # (B * channels, 1, H, W)
        features: list[Tensor] = []
        for layer, mix in zip(self.layers, self.across_channels, strict=True):
            maps = layer(maps).relu()
            together = maps.reshape(count, channels * maps.shape[1], *maps.shape[2:])
            features.append(mix(together))
        pyramid: list[Tensor] = []
        for feature, mix in zip(reversed(features), reversed(self.across_scales), strict=True):
            if pyramid:
                below = interpolate(
                    pyramid[0], feature.shape[2:], mode="bilinear", align_corners=False
                )
                feature = feature + below
            pyramid.insert(0, mix(feature))
        return pyramid


class ProjectedDiscriminator(nn.Module):
    """A discriminator for each map of a frozen pyramid: maps (B, *shape) to logits (B, count).

    Each halves its map until the shorter side is below eight, so that all have about equally many
    logits.

    Args:
        shape: (C, H, W) of an image.
        network: The frozen network.
        width: Channels of the pyramid, and of the first map of each discriminator.
    """

    logit_layer = None
    judges = "heads"

    def __init__(self, shape: Shape, *, network: FrozenNetwork = "random", width: int = 64) -> None:
        super().__init__()
        self.pyramid = FrozenPyramid(shape[0], network, width)
        side, heads = min(shape[1:]), []
        for stride in self.pyramid.strides:
            side = -(-side // stride)
            heads.append(MapDiscriminator(width, side))
        self.heads = nn.ModuleList(heads)

    def forward(self, images: Tensor) -> Tensor:
        """Map (B, *shape) to the logits of all discriminators (B, count)."""
        pairs = zip(self.heads, self.pyramid(images), strict=True)
        return torch.cat([head(maps).flatten(1) for head, maps in pairs], 1)


class MapDiscriminator(nn.Module):
    """Strided convolutions on a map, then a logit for each place: (B, 1, h, w).

    Args:
        width: The channels of the map; doubled at each halving, up to four times as many.
        side: The shorter side of the map.
    """

    def __init__(self, width: int, side: int) -> None:
        super().__init__()
        channels, layers = width, []
        while side >= 8:
            inner = min(2 * channels, 4 * width)
            layers.append(nn.Conv2d(channels, inner, 4, stride=2, padding=1))
            channels, side = inner, -(-side // 2)
        self.halvings = nn.ModuleList(layers)
        self.last = nn.Conv2d(channels, channels, 3, padding=1)
        self.logit = nn.Conv2d(channels, 1, 1)

    def forward(self, maps: Tensor) -> Tensor:
        """Map (B, width, H, W) to logits (B, 1, h, w)."""
        for layer in (*self.halvings, self.last):
            even = made_even(maps) if layer.stride[0] == 2 else maps
            maps = nn.functional.leaky_relu(layer(even), 0.2)
        logits: Tensor = self.logit(maps)
        return logits
