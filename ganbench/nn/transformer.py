# SPDX-License-Identifier: MIT
"""Layers of transformers that may be differentiated twice, and images as tokens.

Papers: Vaswani et al., 2017, arXiv:1706.03762; Hyun, Lee and Heo, 2025, arXiv:2509.24935.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import pad, silu

from ganbench.nn.mapping import unit_mean_square

_HEAD = 32
"""The number of channels of a head."""
_MOST_TOKENS = 100
_LAYER_SCALE = 0.1
"""What the changes of a block are multiplied with when training begins."""


class HeadedAttention(nn.Module):
    """Tokens attend to tokens, with heads of about 32 channels.

    Queries and keys have unit mean square times a learned gain, so that their products stay small.

    Args:
        width: The number of channels of a token.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.heads = math.gcd(width, max(1, width // _HEAD))
        self.to_three = nn.Linear(width, 3 * width)
        self.gains = nn.Parameter(torch.ones(2, width // self.heads))
        self.project = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map (B, tokens, width) to the same shape."""
        parts = self.to_three(tokens).unflatten(2, (3, self.heads, -1))
        queries, keys, values = parts.permute(2, 0, 3, 1, 4)  # (B, heads, tokens, width / heads)
        queries, keys = (
            gain * unit_mean_square(part)
            for gain, part in zip(self.gains, (queries, keys), strict=True)
        )
        # Written out, because the fused kernels cannot be differentiated twice.
        scores = queries @ keys.mT / math.sqrt(queries.shape[3])
        attended = scores.softmax(3) @ values
        mixed: Tensor = self.project(attended.transpose(1, 2).flatten(2))
        return mixed


class GatedUnits(nn.Module):
    """A hidden layer of 8/3 of the channels, whose units are gated (arXiv:2002.05202).

    Args:
        width: The number of channels of a token.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        hidden = 8 * width // 3
        self.expand = nn.Linear(width, 2 * hidden)
        self.contract = nn.Linear(hidden, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map (B, tokens, width) to the same shape."""
        gates, units = self.expand(tokens).chunk(2, 2)
        contracted: Tensor = self.contract(silu(gates) * units)
        return contracted


class ModulatedBlock(nn.Module):
    """Attention and gated units whose inputs are scaled, and whose outputs are gated, by a style.

    Args:
        width: The number of channels of a token.
        style_dim: The size of a style.
    """

    def __init__(self, width: int, style_dim: int) -> None:
        super().__init__()
        self.modulate = nn.Linear(style_dim, 4 * width)
        self.attention = HeadedAttention(width)
        self.units = GatedUnits(width)

    def forward(self, tokens: Tensor, styles: Tensor) -> Tensor:
        """Map (B, tokens, width) and styles (B, style_dim) to (B, tokens, width)."""
        scale, gate, unit_scale, unit_gate = self.modulate(styles)[:, None].chunk(4, 2)
        tokens = tokens + gate * self.attention(unit_mean_square(tokens) * (1 + scale))
        changed: Tensor = tokens + unit_gate * self.units(
            unit_mean_square(tokens) * (1 + unit_scale)
        )
        return changed


class PlainBlock(nn.Module):
    """Attention and gated units with learned gains before and after them.

    Args:
        width: The number of channels of a token.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gains = nn.Parameter(torch.ones(2, width))
        self.scales = nn.Parameter(torch.full((2, width), _LAYER_SCALE))
        self.attention = HeadedAttention(width)
        self.units = GatedUnits(width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map (B, tokens, width) to the same shape."""
        tokens = tokens + self.scales[0] * self.attention(self.gains[0] * unit_mean_square(tokens))
        changed: Tensor = tokens + self.scales[1] * self.units(
            self.gains[1] * unit_mean_square(tokens)
        )
        return changed


def patch_side(height: int, width: int) -> int:
    """Return the side of square patches: the least power of two with at most 100 of them.

    >>> [patch_side(side, side) for side in (16, 28, 32, 64, 150, 256)]
    [2, 4, 4, 8, 16, 32]
    """
    side = 1
    while math.prod(patch_grid(height, width, side)) > _MOST_TOKENS:
        side *= 2
    return side


def patch_grid(height: int, width: int, side: int) -> tuple[int, int]:
    """Return how many rows and columns of patches cover an image."""
    return -(-height // side), -(-width // side)


def patches_of(images: Tensor, side: int) -> Tensor:
    """Cut images (B, C, H, W) into patches (B, patches, C * side^2); zeros fill the last ones."""
    height, width = images.shape[2:]
    rows, columns = patch_grid(height, width, side)
    padded = pad(images, (0, columns * side - width, 0, rows * side - height))
    cut = padded.reshape(*images.shape[:2], rows, side, columns, side)
    return cut.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)


def image_of(patches: Tensor, size: tuple[int, int], side: int) -> Tensor:
    """Join patches (B, patches, C * side^2) to images (B, C, *size): the reverse of cutting."""
    rows, columns = patch_grid(*size, side)
    cut = patches.reshape(patches.shape[0], rows, columns, -1, side, side)
    joined = cut.permute(0, 3, 1, 4, 2, 5).flatten(4).flatten(2, 3)  # (B, C, rows * side, ...)
    return joined[:, :, : size[0], : size[1]]


def position_codes(rows: int, columns: int, width: int) -> Tensor:
    """Return a code for each place of a grid, (rows * columns, width).

    Its values are sines and cosines of the row and of the column, at frequencies from 1 downward.
    """
    count = -(-width // 4)
    frequencies = 10_000 ** (-torch.arange(count) / count)
    places = torch.cartesian_prod(torch.arange(rows), torch.arange(columns)).float()
    angles = places[:, :, None] * frequencies  # (places, 2, frequencies)
    return torch.cat([angles.sin(), angles.cos()], 2).flatten(1)[:, :width]


def initialize_transformer(module: nn.Module) -> None:
    """Draw the weights of linear layers uniformly, with variance 2 / (fan-in + fan-out).

    Layers that modulate get a tenth of that deviation; biases are 0.
    """
    for name, layer in module.named_modules():
        if isinstance(layer, nn.Linear):
            gain = _LAYER_SCALE if name.endswith("modulate") else 1.0
            nn.init.xavier_uniform_(layer.weight, gain)
            nn.init.zeros_(layer.bias)
