# SPDX-License-Identifier: MIT
"""Residual blocks that double or halve maps, as in WGAN-GP and SNGAN (arXiv:1802.05957)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import sqrt

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate

MapNorm = Callable[[int], nn.Module]
"""Builds, for a number of channels, a module that maps maps (B, C, H, W) and a condition to
normalized maps (B, C, H, W). A condition is values (B, size), labels (B,) int64, or None."""


class PlainBatchNorm2d(nn.Module):
    """Batch normalization that ignores the condition.

    Args:
        channels: The number of channels of a map.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, maps: Tensor, condition: Tensor | None = None) -> Tensor:
        """Map (B, C, H, W) to (B, C, H, W)."""
        normalized: Tensor = self.norm(maps)
        return normalized


class _ModulatedBatchNorm2d(nn.Module):
    """Batch normalization whose gains and biases two layers make of a condition.

    Args:
        channels: The number of channels of a map.
        gain: Maps conditions (B, ...) to what is added to gains of one, (B, channels).
        bias: Maps conditions (B, ...) to biases (B, channels).
    """

    def __init__(self, channels: int, gain: nn.Module, bias: nn.Module) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.gain = gain
        self.bias = bias

    def forward(self, maps: Tensor, condition: Tensor) -> Tensor:
        """Map (B, C, H, W) and conditions (B, ...) to (B, C, H, W)."""
        gains = 1 + self.gain(condition)[:, :, None, None]
        normalized: Tensor = self.norm(maps) * gains + self.bias(condition)[:, :, None, None]
        return normalized


class ConditionalBatchNorm2d(_ModulatedBatchNorm2d):
    """Batch normalization whose gains and biases are linear in conditions (B, size).

    Papers: Brock et al., 2019, arXiv:1809.11096 (by parts of the latent and an embedded class);
    Chen et al., 2019, arXiv:1810.01365 (by the latent: self-modulation).

    Args:
        channels: The number of channels of a map.
        size: The size of a condition.
        constant: Whether each gain and bias has a constant term of its own as well. A condition
            that is random throughout, such as a latent, needs it: without it no channel can learn
            a gain or a bias that all examples share.
    """

    def __init__(self, channels: int, size: int, *, constant: bool = False) -> None:
        gain, bias = (nn.Linear(size, channels, bias=constant) for _ in range(2))
        for layer in (gain, bias) if constant else ():
            nn.init.zeros_(layer.bias)
        super().__init__(channels, gain, bias)


class ClassBatchNorm2d(_ModulatedBatchNorm2d):
    """Batch normalization with gains and biases for each class, which start at one and at zero.

    Its conditions are labels (B,) int64.

    Paper: Dumoulin et al., 2017, arXiv:1610.07629

    Args:
        channels: The number of channels of a map.
        classes: The number of classes.
    """

    def __init__(self, channels: int, classes: int) -> None:
        gain, bias = (nn.Embedding(classes, channels) for _ in range(2))
        for layer in (gain, bias):
            nn.init.zeros_(layer.weight)
        super().__init__(channels, gain, bias)


def repeated(maps: Tensor, size: Sequence[int]) -> Tensor:
    """Repeat each pixel of (B, C, h, w) in both directions, and cut the map to a size.

    Args:
        maps: Maps (B, C, h, w).
        size: The height and width of the output, at most twice those of the input.
    """
    return interpolate(maps, scale_factor=2.0)[:, :, : size[0], : size[1]]


class UpBlock(nn.Module):
    """Doubles a map, cut to a size: two normalized convolutions, and a skip connection.

    Args:
        inputs: The number of channels of the input.
        outputs: The number of channels of the output.
        size: The height and width of the output.
        norm: Builds the normalization of a number of channels.
    """

    def __init__(self, inputs: int, outputs: int, size: tuple[int, int], norm: MapNorm) -> None:
        super().__init__()
        self.size = size
        self.first_norm, self.second_norm = norm(inputs), norm(outputs)
        self.first = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.skip = nn.Conv2d(inputs, outputs, 1)

    def forward(self, maps: Tensor, condition: Tensor | None = None) -> Tensor:
        """Map (B, inputs, h, w) and a condition of the norms to (B, outputs, *size)."""
        inner = repeated(self.first_norm(maps, condition).relu(), self.size)
        inner = self.second_norm(self.first(inner), condition).relu()
        # A 1 x 1 convolution and a repetition of pixels commute.
        outputs: Tensor = self.second(inner) + repeated(self.skip(maps), self.size)
        return outputs


class DownBlock(nn.Module):
    """Two convolutions with a skip connection, after which a map may be halved.

    Args:
        inputs: The number of channels of the input.
        outputs: The number of channels of the output.
        halve: Whether the means of 2 x 2 pixels are taken.
        first: Whether the input is the image, to which no activation is applied.
    """

    def __init__(
        self, inputs: int, outputs: int, *, halve: bool = True, first: bool = False
    ) -> None:
        super().__init__()
        self.halve, self.is_first = halve, first
        self.first = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1)
        learned = halve or inputs != outputs
        self.skip = nn.Conv2d(inputs, outputs, 1) if learned else nn.Identity()

    def forward(self, maps: Tensor) -> Tensor:
        """Map (B, inputs, h, w) to (B, outputs, h, w), or to half of that height and width."""
        inner: Tensor = self.second(self.first(maps if self.is_first else maps.relu()).relu())
        if self.halve:
            # A 1 x 1 convolution and a mean of pixels commute; the smaller map is cheaper.
            inner, maps = avg_pool2d(inner, 2), avg_pool2d(maps, 2)
        skipped: Tensor = self.skip(maps)
        return inner + skipped


def initialize_orthogonal(module: nn.Module) -> None:
    """Draw orthogonal weights for linear layers, convolutions and embeddings; biases are 0.

    Paper: Saxe et al., 2014, arXiv:1312.6120
    """
    for layer in module.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.Embedding):
            nn.init.orthogonal_(layer.weight)
        if isinstance(layer, nn.Linear | nn.Conv2d) and layer.bias is not None:
            nn.init.zeros_(layer.bias)


def initialize_xavier(module: nn.Module) -> None:
    """Draw weights as SNGAN does: variance 2 / (fan-in + fan-out), doubled inside of blocks.

    Paper: Glorot and Bengio, 2010, AISTATS; the gain of sqrt(2) in blocks is that of Miyato et al.,
    2018, arXiv:1802.05957.
    """
    for name, layer in module.named_modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            inside = name.endswith((".first", ".second"))
            nn.init.xavier_uniform_(layer.weight, sqrt(2) if inside else 1.0)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def channels_inward(width: int, count: int, largest: int) -> list[int]:
    """Return the channels of maps from the outermost inward: doubled, up to a largest multiple.

    >>> channels_inward(32, 5, 4)
    [32, 64, 128, 128, 128]
    """
    return [width * min(2**depth, largest) for depth in range(count)]


def pixel_sum(maps: Tensor) -> Tensor:
    """Return the sums over pixels of activated maps (B, C, h, w): (B, C)."""
    return torch.relu(maps).sum((2, 3))
