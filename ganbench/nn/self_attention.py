# SPDX-License-Identifier: MIT
"""Self-attention over the pixels of maps (Zhang et al., 2019, arXiv:1805.08318)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

_REDUCTION = 8
"""How many times fewer channels are compared and summed."""
_FEWEST = 8
"""The fewest of them: two or so could not tell many pixels apart."""
_MOST_PIXELS = 256
"""The largest map that attends to itself: time and memory grow with the square of its pixels."""


class SelfAttention2d(nn.Module):
    """Adds to each pixel a mean of all pixels, weighted by their likeness.

    With 1 x 1 convolutions f, g, h to an eighth of the channels, but to no fewer than eight, and v
    back from them, pixel j of maps x becomes ``x_j + gamma * v(sum_i a_ji h(x_i))``, where the
    ``a_ji`` are the softmax over i of ``f(x_i) . g(x_j)``. The learned ``gamma`` begins at zero.

    Args:
        channels: The number of channels of a map.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = max(_FEWEST, channels // _REDUCTION)
        self.key = nn.Conv2d(channels, inner, 1, bias=False)
        self.query = nn.Conv2d(channels, inner, 1, bias=False)
        self.value = nn.Conv2d(channels, inner, 1, bias=False)
        self.output = nn.Conv2d(inner, channels, 1, bias=False)
        self.gamma = nn.Parameter(torch.zeros(()))

    def forward(self, maps: Tensor) -> Tensor:
        """Map (B, channels, H, W) to the same shape."""
        keys, queries, values = (
            layer(maps).flatten(2) for layer in (self.key, self.query, self.value)
        )  # (B, inner, H * W)
        # Written out, because the fused kernels cannot be differentiated twice.
        shares = (queries.mT @ keys).softmax(2)  # (B, pixels that attend, pixels attended to)
        means = (values @ shares.mT).unflatten(2, maps.shape[2:])  # (B, inner, H, W)
        attended: Tensor = self.output(means)
        return maps + self.gamma * attended


def attention_stage(sizes: Sequence[tuple[int, int]]) -> int:
    """Return which of maps attends to itself: the largest of at most 256 pixels, or the smallest.

    >>> attention_stage([(7, 7), (14, 14), (28, 28)]), attention_stage([(64, 64), (32, 32)])
    (1, 1)
    """
    pixels = [height * width for height, width in sizes]
    fitting = [count for count in pixels if count <= _MOST_PIXELS]
    return pixels.index(max(fitting, default=min(pixels)))
