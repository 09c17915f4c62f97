# SPDX-License-Identifier: MIT
"""StyleGAN2's networks (Karras et al., 2020, arXiv:1912.04958), small, for squares of pixels."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, leaky_relu

from ganbench.gan import Shape
from ganbench.nn.convolutional import stages
from ganbench.nn.equalized import (
    EqualizedConv2d,
    EqualizedLinear,
    MinibatchDeviation,
    ModulatedConv2d,
)

_MAPPING_LAYERS = 4
_MAPPING_LEARNING_RATE = 0.01


def _activated(values: Tensor) -> Tensor:
    """Apply a LeakyReLU that keeps the variance of its input."""
    return leaky_relu(values, 0.2) * math.sqrt(2)


def _doubled(maps: Tensor) -> Tensor:
    """Double the size of (B, C, H, W)."""
    return interpolate(maps, scale_factor=2.0, mode="bilinear", align_corners=False)


def _channels(resolution: int, width: int) -> tuple[int, list[int]]:
    """Return the innermost size, and the channels of each resolution from there outward."""
    size, count = stages(resolution)
    return size, [min(256, width * 2**depth) for depth in reversed(range(count + 1))]


class Mapping(nn.Module):
    """Maps latents to styles: scaled to unit mean square, then linear layers.

    Maps (B, latent_dim) to (B, latent_dim).

    Args:
        latent_dim: The size of a latent, and of a style.
    """

    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            EqualizedLinear(latent_dim, latent_dim, learning_rate=_MAPPING_LEARNING_RATE)
            for _ in range(_MAPPING_LAYERS)
        )

    def forward(self, latents: Tensor) -> Tensor:
        """Map latents (B, latent_dim) to styles (B, latent_dim)."""
        styles = latents * (latents.square().mean(1, keepdim=True) + 1e-8).rsqrt()
        for layer in self.layers:
            styles = _activated(layer(styles))
        return styles


class NoisyLayer(nn.Module):
    """A modulated convolution with noise of a learned strength, and a LeakyReLU.

    Args:
        inputs: The number of channels of the input.
        outputs: The number of channels of the output.
        style_dim: The size of a style.
    """

    def __init__(self, inputs: int, outputs: int, style_dim: int) -> None:
        super().__init__()
        self.convolution = ModulatedConv2d(inputs, outputs, style_dim)
        self.strength = nn.Parameter(torch.zeros(()))

    def forward(self, maps: Tensor, styles: Tensor) -> Tensor:
        """Map (B, inputs, H, W) and styles (B, style_dim) to (B, outputs, H, W)."""
        count, _, height, width = maps.shape
        noise = torch.randn(count, 1, height, width, dtype=maps.dtype, device=maps.device)
        return _activated(self.convolution(maps, styles, self.strength * noise))


class StyleGenerator(nn.Module):
    """Styles modulate a learned constant, which is doubled up to an image; tanh at the end.

    Maps (B, latent_dim) to images (B, *shape) in [-1, 1] and the styles (B, layers, latent_dim)
    that they were made with, one for each layer. In training, some images have the styles of
    another latent from a layer on (style mixing).

    Args:
        latent_dim: The size of a latent, and of a style.
        shape: (C, H, W) of an image, H = W.
        width: Channels of the outermost map; they double inward, up to 256.
        mixing: The share of images with mixed styles.
    """

    def __init__(
        self, latent_dim: int, shape: Shape, *, width: int = 32, mixing: float = 0.9
    ) -> None:
        super().__init__()
        size, channels = _channels(shape[1], width)
        self.mixing = mixing
        self.mapping = Mapping(latent_dim)
        self.constant = nn.Parameter(torch.randn(channels[0], size, size))
        layers = [NoisyLayer(channels[0], channels[0], latent_dim)]
        for inner, outer in pairwise(channels):
            layers += [NoisyLayer(inner, outer, latent_dim), NoisyLayer(outer, outer, latent_dim)]
        self.layers = nn.ModuleList(layers)
        self.to_image = nn.ModuleList(
            ModulatedConv2d(count, shape[0], latent_dim, 1, demodulate=False) for count in channels
        )

    def forward(self, latents: Tensor) -> tuple[Tensor, Tensor]:
        """Map (B, latent_dim) to images (B, *shape) and styles (B, layers, latent_dim)."""
        styles = self.styles(latents)
        return self.synthesize(styles), styles

    def styles(self, latents: Tensor) -> Tensor:
        """Return the styles (B, layers, latent_dim) of latents, in training mode mixed."""
        count = len(self.layers) + 1  # the last is that of the image itself
        styles: Tensor = self.mapping(latents)[:, None].expand(-1, count, -1)
        if not self.training or not self.mixing:
            return styles
        others = self.mapping(torch.randn_like(latents))[:, None]
        shape, device = (len(latents), 1, 1), latents.device
        first = torch.randint(1, count, shape, device=device)  # the first layer of the other style
        mixed = torch.rand(shape, device=device) < self.mixing
        layers = torch.arange(count, device=device)[:, None]
        return torch.where(mixed & (layers >= first), others, styles)

    def synthesize(self, styles: Tensor) -> Tensor:
        """Map styles (B, layers, latent_dim) to images (B, *shape)."""
        each = styles.unbind(1)
        maps = self.layers[0](self.constant.expand(styles.shape[0], -1, -1, -1), each[0])
        image: Tensor = self.to_image[0](maps, each[1])
        for stage, to_image in enumerate(self.to_image[1:]):
            layer = 2 * stage + 1
            maps = self.layers[layer](_doubled(maps), each[layer])
            maps = self.layers[layer + 1](maps, each[layer + 1])
            image = _doubled(image) + to_image(maps, each[layer + 2])
        return image.tanh()


class StyleDiscriminator(nn.Module):
    """Residual stages that halve an image, and the deviation within groups of examples.

    Maps (B, *shape) to logits (B, 1).

    Args:
        shape: (C, H, W) of an image, H = W.
        width: Channels of the outermost map; they double inward, up to 256.
        group: The largest number of examples whose deviation is seen.
    """

    def __init__(self, shape: Shape, *, width: int = 32, group: int = 4) -> None:
        super().__init__()
        size, channels = _channels(shape[1], width)
        outward = channels[::-1]
        self.from_image = EqualizedConv2d(shape[0], outward[0], 1)
        pairs = list(pairwise(outward))
        self.first = nn.ModuleList(EqualizedConv2d(outer, outer) for outer, _ in pairs)
        self.second = nn.ModuleList(EqualizedConv2d(outer, inner) for outer, inner in pairs)
        self.skips = nn.ModuleList(EqualizedConv2d(outer, inner, 1) for outer, inner in pairs)
        self.deviation = MinibatchDeviation(group)
        self.last = EqualizedConv2d(outward[-1] + 1, outward[-1])
        self.hidden = EqualizedLinear(outward[-1] * size**2, outward[-1])
        self.logit = EqualizedLinear(outward[-1], 1)

    def forward(self, images: Tensor) -> Tensor:
        """Map (B, *shape) to logits (B, 1)."""
        maps = _activated(self.from_image(images))
        for first, second, skip in zip(self.first, self.second, self.skips, strict=True):
            inner = avg_pool2d(_activated(second(_activated(first(maps)))), 2)
            maps = (inner + skip(avg_pool2d(maps, 2))) * math.sqrt(0.5)
        maps = _activated(self.last(self.deviation(maps)))
        logits: Tensor = self.logit(_activated(self.hidden(maps.flatten(1))))
        return logits
