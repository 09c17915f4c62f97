# SPDX-License-Identifier: MIT
"""A discriminator that judges an image and each of its pixels (arXiv:2002.12655)."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from ganbench.gan import Shape
from ganbench.nn.convolutional import made_even, map_sizes
from ganbench.nn.residual import (
    DownBlock,
    UpBlock,
    channels_inward,
    initialize_orthogonal,
    pixel_sum,
)

_LARGEST = 4
"""The largest number of channels, as a multiple of the outermost one's."""


class WithoutNorm(nn.Module):
    """Leaves maps as they are, whatever the condition: a normalization that does nothing."""

    def __init__(self, channels: int) -> None:
        super().__init__()

    def forward(self, maps: Tensor, condition: Tensor | None = None) -> Tensor:
        """Map (B, C, H, W) to itself."""
        return maps


class UNetDiscriminator(nn.Module):
    """Residual blocks that halve an image, and others that double maps back, joined at each size.

    Maps images (B, *shape) to logits of whole images (B, 1), which the innermost map gives, and, as
    extras, logits of pixels (B, 1, H, W). Nothing is normalized.

    Args:
        shape: (C, H, W) of an image.
        width: Channels of the outermost map; doubled inward, up to four times as many.
    """

    logit_layer = "logit"
    free_layers = ("pixel_logit",)  # as in the authors' code

    def __init__(self, shape: Shape, *, width: int = 32) -> None:
        super().__init__()
        sizes = map_sizes(*shape[1:])[:0:-1]  # from the image inward, without the innermost
        widths = channels_inward(width, len(sizes), _LARGEST)
        self.encoder = nn.ModuleList(
            DownBlock(outer, inner, first=depth == 0)
            for depth, (outer, inner) in enumerate(pairwise([shape[0], *widths]))
        )
        self.logit = nn.Linear(widths[-1], 1)
        # From the inside out. All but the innermost also get the encoder's map of their size.
        self.decoder = nn.ModuleList(
            UpBlock(
                widths[depth] * (1 if depth == len(sizes) - 1 else 2),
                widths[max(depth - 1, 0)],
                size,
                WithoutNorm,
            )
            for depth, size in reversed(list(enumerate(sizes)))
        )
        self.pixel_logit = nn.Conv2d(width, 1, 1)
        initialize_orthogonal(self)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Map (B, *shape) to logits of images (B, 1) and of pixels (B, 1, H, W)."""
        maps = [images]
        for down in self.encoder:
            maps.append(down(made_even(maps[-1])))
        current = maps.pop()  # (B, C, h, w), the innermost
        logits: Tensor = self.logit(pixel_sum(current))
        for up in self.decoder:
            current = up(current)
            if len(maps) > 1:  # the last one is the image itself
                current = torch.cat([current, maps.pop()], 1)
        return logits, self.pixel_logit(current.relu())
