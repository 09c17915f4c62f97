# SPDX-License-Identifier: MIT
"""Layers of ProGAN and StyleGAN2: equalized learning rates, modulation, minibatch deviation."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, linear


class EqualizedLinear(nn.Module):
    """A linear layer whose weights are N(0, 1), and are scaled by 1 / sqrt(inputs) when used.

    An optimizer that normalizes gradients then moves all layers equally fast (Karras et al., 2018,
    arXiv:1710.10196, section 4.1). Maps (B, inputs) to (B, outputs).

    Args:
        inputs: The number of inputs.
        outputs: The number of outputs.
        bias: What the biases start from.
        learning_rate: A factor on the learning rate of this layer.
    """

    def __init__(
        self, inputs: int, outputs: int, *, bias: float = 0.0, learning_rate: float = 1.0
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / learning_rate)
        self.bias = nn.Parameter(torch.full((outputs,), bias / learning_rate))
        self.scale = learning_rate / math.sqrt(inputs)
        self.bias_scale = learning_rate

    def forward(self, values: Tensor) -> Tensor:
        """Map (B, inputs) to (B, outputs)."""
        return linear(values, self.weight * self.scale, self.bias * self.bias_scale)


class EqualizedConv2d(nn.Module):
    """A convolution with an equalized learning rate that keeps the size of a map.

    Args:
        inputs: The number of channels of the input.
        outputs: The number of channels of the output.
        kernel: The width of the kernel, an odd number.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int = 3) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.scale = 1 / math.sqrt(inputs * kernel**2)

    def forward(self, maps: Tensor) -> Tensor:
        """Map (B, inputs, H, W) to (B, outputs, H, W)."""
        padding = self.weight.shape[-1] // 2
        return conv2d(maps, self.weight * self.scale, self.bias, padding=padding)


class ModulatedConv2d(nn.Module):
    """A convolution whose input channels are scaled by a style (arXiv:1912.04958, section 2.2).

    Demodulation divides each output channel by the deviation that it would have for inputs of unit
    variance, so that a style acts on one layer alone.

    Args:
        inputs: The number of channels of the input.
        outputs: The number of channels of the output.
        style_dim: The size of a style.
        kernel: The width of the kernel, an odd number.
        demodulate: Whether outputs are scaled back.
    """

    def __init__(
        self, inputs: int, outputs: int, style_dim: int, kernel: int = 3, *, demodulate: bool = True
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.affine = EqualizedLinear(style_dim, inputs, bias=1.0)
        self.scale = 1 / math.sqrt(inputs * kernel**2)
        self.demodulate = demodulate

    def forward(self, maps: Tensor, styles: Tensor, noise: Tensor | None = None) -> Tensor:
        """Map (B, inputs, H, W) and styles (B, style_dim) to (B, outputs, H, W), noise added."""
        # Scaling the input and the output is the same as scaling the weights of each example.
        scales = self.affine(styles)  # (B, inputs)
        weight = self.weight * self.scale
        padding = self.weight.shape[-1] // 2
        outputs = conv2d(maps * scales[:, :, None, None], weight, padding=padding)
        if self.demodulate:
            power = linear(scales.square(), weight.square().sum((2, 3)))  # (B, outputs)
            outputs = outputs * (power + 1e-8).rsqrt()[:, :, None, None]
        if noise is not None:
            outputs = outputs + noise
        return outputs + self.bias[:, None, None]


EQUALIZED = (EqualizedLinear, EqualizedConv2d, ModulatedConv2d)
"""The kinds of layers that use ``weight * scale`` in place of their weights."""


class MinibatchDeviation(nn.Module):
    """Adds a channel that tells how much the examples of a group differ (arXiv:1710.10196).

    Groups are consecutive examples, of size gcd(batch size, ``group``). The deviation over a group
    is averaged over channels and pixels.

    Args:
        group: The largest number of examples in a group.
    """

    def __init__(self, group: int = 4) -> None:
        super().__init__()
        self.group = group

    def forward(self, maps: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, C + 1, H, W)."""
        channel = group_deviations(maps, self.group)[:, None, None, None]
        return torch.cat([maps, channel.expand(-1, 1, *maps.shape[2:])], 1)


def group_deviations(values: Tensor, group: int) -> Tensor:
    """Return for each example (B, ...) how much those of its group differ, (B,).

    Groups are consecutive examples, of size gcd(B, ``group``). The deviation over a group is
    averaged over the values of an example (Karras et al., 2018, arXiv:1710.10196, section 3).
    """
    size = math.gcd(len(values), group)
    groups = values.reshape(-1, size, *values.shape[1:])  # (groups, size, ...)
    deviations = (groups.var(1, correction=0) + 1e-8).sqrt()
    means = deviations.mean(tuple(range(1, values.ndim)))  # (groups,)
    return means.repeat_interleave(size)
