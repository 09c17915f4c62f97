# SPDX-License-Identifier: MIT
"""StyleGAN2's networks (Karras et al., 2020, arXiv:1912.04958), small."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from ganbench.gan import Labels, Shape
from ganbench.nn.blur import blur_doubled
from ganbench.nn.convolutional import map_sizes
from ganbench.nn.equalized import (
    EqualizedConv2d,
    EqualizedLinear,
    MinibatchDeviation,
    ModulatedConv2d,
)
from ganbench.nn.mapping import Mapping, scaled_leaky_relu


def _channels(count: int, width: int) -> list[int]:
    """Return the channels of each of the maps, from the innermost outward."""
    return [min(256, width * 2**depth) for depth in reversed(range(count))]


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
        return scaled_leaky_relu(self.convolution(maps, styles, self.strength * noise))


class StyleGenerator(nn.Module):
    """Styles modulate a learned constant, which is doubled up to an image; tanh at the end.

    Maps latents (B, latent_dim), and labels (B,) int64 where there are classes, to images
    (B, *shape) in [-1, 1] and the styles (B, layers, latent_dim) that they were made with, one for
    each layer. In training, some images have the styles of another latent from a layer on (style
    mixing).

    Args:
        latent_dim: The size of a latent, and of a style.
        shape: (C, H, W) of an image.
        width: Channels of the outermost map; they double inward, up to 256.
        mixing: The share of images with mixed styles.
        classes: The number of classes; 0 where there are no labels.
    """

    def __init__(
        self,
        latent_dim: int,
        shape: Shape,
        *,
        width: int = 32,
        mixing: float = 0.9,
        classes: int = 0,
    ) -> None:
        super().__init__()
        self.sizes = map_sizes(*shape[1:])
        channels = _channels(len(self.sizes), width)
        self.mixing = mixing
        self.mapping = Mapping(latent_dim, classes=classes)
        self.constant = nn.Parameter(torch.randn(channels[0], *self.sizes[0]))
        layers = [NoisyLayer(channels[0], channels[0], latent_dim)]
        for inner, outer in pairwise(channels):
            layers += [NoisyLayer(inner, outer, latent_dim), NoisyLayer(outer, outer, latent_dim)]
        self.layers = nn.ModuleList(layers)
        self.to_image = nn.ModuleList(
            ModulatedConv2d(count, shape[0], latent_dim, 1, demodulate=False) for count in channels
        )

    def forward(self, latents: Tensor, labels: Labels = None) -> tuple[Tensor, Tensor]:
        """Map (B, latent_dim) to images (B, *shape) and styles (B, layers, latent_dim)."""
        styles = self.styles(latents, labels)
        return self.synthesize(styles), styles

    def styles(self, latents: Tensor, labels: Labels = None) -> Tensor:
        """Return the styles (B, layers, latent_dim) of latents, in training mode mixed."""
        count = len(self.layers) + 1  # the last is that of the image itself
        styles: Tensor = self.mapping(latents, labels)[:, None].expand(-1, count, -1)
        if not self.training or not self.mixing:
            return styles
        others = self.mapping(torch.randn_like(latents), labels)[:, None]
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
        for stage, (size, to_image) in enumerate(
            zip(self.sizes[1:], self.to_image[1:], strict=True)
        ):
            layer = 2 * stage + 1
            maps = self.layers[layer](blur_doubled(maps, size), each[layer])
            maps = self.layers[layer + 1](maps, each[layer + 1])
            image = blur_doubled(image, size) + to_image(maps, each[layer + 2])
        return image.tanh()


class StyleDiscriminator(nn.Module):
    """Residual stages that halve an image, and the deviation within groups of examples.

    Maps (B, *shape) to logits (B, outputs).

    Args:
        shape: (C, H, W) of an image.
        width: Channels of the outermost map; they double inward, up to 256.
        group: The largest number of examples whose deviation is seen.
        outputs: The number of values of the last layer, of which a head may take its own.
    """

    def __init__(self, shape: Shape, *, width: int = 32, group: int = 4, outputs: int = 1) -> None:
        super().__init__()
        sizes = map_sizes(*shape[1:])
        halvings = len(sizes) - 1
        innermost = (shape[1] // 2**halvings) * (shape[2] // 2**halvings)
        outward = _channels(len(sizes), width)[::-1]
        self.from_image = EqualizedConv2d(shape[0], outward[0], 1)
        pairs = list(pairwise(outward))
        self.first = nn.ModuleList(EqualizedConv2d(outer, outer) for outer, _ in pairs)
        self.second = nn.ModuleList(EqualizedConv2d(outer, inner) for outer, inner in pairs)
        self.skips = nn.ModuleList(EqualizedConv2d(outer, inner, 1) for outer, inner in pairs)
        self.deviation = MinibatchDeviation(group)
        self.last = EqualizedConv2d(outward[-1] + 1, outward[-1])
        self.hidden = EqualizedLinear(outward[-1] * innermost, outward[-1])
        self.logit = EqualizedLinear(outward[-1], outputs)

    def forward(self, images: Tensor) -> Tensor:
        """Map (B, *shape) to logits (B, outputs)."""
        maps = scaled_leaky_relu(self.from_image(images))
        for first, second, skip in zip(self.first, self.second, self.skips, strict=True):
            inner = avg_pool2d(scaled_leaky_relu(second(scaled_leaky_relu(first(maps)))), 2)
            maps = (inner + skip(avg_pool2d(maps, 2))) * math.sqrt(0.5)
        maps = scaled_leaky_relu(self.last(self.deviation(maps)))
        logits: Tensor = self.logit(scaled_leaky_relu(self.hidden(maps.flatten(1))))
        return logits
