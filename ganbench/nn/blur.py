# SPDX-License-Identifier: MIT
"""Doubling and halving of maps by the bilinear filter, without a shift."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, interpolate, pad


def blur_doubled(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Double the size of (B, C, h, w) by bilinear interpolation, and cut it to a size.

    Args:
        maps: Maps (B, C, h, w).
        size: The height and width of the output, at most twice those of the input.
    """
    doubled = interpolate(maps, scale_factor=2.0, mode="bilinear", align_corners=False)
    return doubled[:, :, : size[0], : size[1]]


class BlurHalve(nn.Module):
    """Halves maps by the filter (1, 3, 3, 1) / 8 in both directions, the bilinear one's adjoint.

    Maps (B, C, H, W) to (B, C, ceil(H / 2), ceil(W / 2)). Edges are repeated outward, so that a
    constant stays what it is (Zhang, 2019, arXiv:1904.11486).
    """

    kernel: Tensor

    def __init__(self) -> None:
        super().__init__()
        taps = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
        self.register_buffer("kernel", torch.outer(taps, taps), persistent=False)

    def forward(self, maps: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, C, ceil(H / 2), ceil(W / 2))."""
        channels, height, width = maps.shape[1:]
        padded = pad(maps, (1, 1 + width % 2, 1, 1 + height % 2), mode="replicate")
        kernel = self.kernel.to(maps.dtype).expand(channels, 1, 4, 4)
        return conv2d(padded, kernel, stride=2, groups=channels)
