# SPDX-License-Identifier: MIT
"""The residual networks of SNGAN (Miyato et al., 2018, arXiv:1802.05957) for images of any size."""

from __future__ import annotations

from itertools import pairwise
from math import prod

from torch import Tensor, nn

from ganbench.gan import Shape
from ganbench.nn.convolutional import map_sizes
from ganbench.nn.residual import (
    DownBlock,
    PlainBatchNorm2d,
    UpBlock,
    channels_inward,
    initialize_xavier,
    pixel_sum,
)

_LARGEST = 4
"""The largest number of channels, as a multiple of the outermost one's."""
_INNERMOST = 7
"""The shortest side of the discriminator's innermost map: the halves of 28 end at 7."""


class ResidualGenerator(nn.Module):
    """A linear layer to a small map, blocks that double it, and a convolution; tanh at the end.

    Maps (B, latent_dim) to (B, *shape) in [-1, 1].

    Args:
        latent_dim: Size of a latent.
        shape: (C, H, W) of an image.
        width: Channels of the outermost map; doubled inward, up to four times as many.
    """

    def __init__(self, latent_dim: int, shape: Shape, *, width: int = 64) -> None:
        super().__init__()
        sizes = map_sizes(*shape[1:])
        widths = channels_inward(width, len(sizes), _LARGEST)[::-1]
        self.start = (widths[0], *sizes[0])
        self.project = nn.Linear(latent_dim, prod(self.start))
        self.blocks = nn.Sequential(
            *(
                UpBlock(inner, outer, size, PlainBatchNorm2d)
                for (inner, outer), size in zip(pairwise(widths), sizes[1:], strict=True)
            )
        )
        self.norm = nn.BatchNorm2d(widths[-1])
        self.to_image = nn.Conv2d(widths[-1], shape[0], 3, padding=1)
        initialize_xavier(self)

    def forward(self, latents: Tensor) -> Tensor:
        """Map (B, latent_dim) to (B, *shape)."""
        maps = self.blocks(self.project(latents).unflatten(1, self.start))
        images: Tensor = self.to_image(self.norm(maps).relu()).tanh()
        return images


class ResidualDiscriminator(nn.Module):
    """Blocks that halve an image, two that do not, and a linear layer of the sums over pixels.

    Maps (B, *shape) to (B, outputs). Nothing is normalized. The shorter side is halved while about
    7 pixels remain: 28 becomes 7, and 32 becomes 8, as in SNGAN's network for CIFAR-10. It is
    halved at least once.

    Args:
        shape: (C, H, W) of an image.
        width: Channels of the outermost map; doubled inward, up to four times as many.
        outputs: The number of values of the linear layer.
    """

    def __init__(self, shape: Shape, *, width: int = 64, outputs: int = 1) -> None:
        super().__init__()
        remaining = [size for size in map_sizes(*shape[1:])[:-1] if min(size) >= _INNERMOST]
        halvings = max(1, len(remaining))
        widths = channels_inward(width, halvings, _LARGEST)
        inner = widths[-1]
        self.blocks = nn.Sequential(
            DownBlock(shape[0], width, first=True),
            *(DownBlock(before, after) for before, after in pairwise(widths)),
            DownBlock(inner, inner, halve=False),
            DownBlock(inner, inner, halve=False),
        )
        self.head = nn.Linear(inner, outputs)
        initialize_xavier(self)

    def forward(self, images: Tensor) -> Tensor:
        """Map (B, *shape) to (B, outputs)."""
        values: Tensor = self.head(pixel_sum(self.blocks(images)))
        return values
