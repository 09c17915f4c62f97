# SPDX-License-Identifier: MIT
"""Several discriminators, each of an image at another resolution (arXiv:1711.11585)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from ganbench.gan import Shape


class MultiScaleDiscriminator(nn.Module):
    """Discriminators of equal layers for an image, its means of 2 x 2 pixels, and so on.

    Maps images (B, *shape) to the logits of all of them, (B, count). Every logit counts alike in a
    loss, so a patch discriminator counts more at the finer scales, where it has more logits. A
    condition, such as the source of each image, must be images of the same size, and is reduced
    likewise.

    Args:
        shape: (C, H, W) of an image.
        build: Builds a discriminator from the shape of its images; it maps them, and perhaps a
            condition, to logits (B, ...).
        scales: The number of discriminators.
    """

    logit_layer = None

    def __init__(
        self, shape: Shape, build: Callable[[Shape], nn.Module], *, scales: int = 3
    ) -> None:
        super().__init__()
        channels, height, width = shape
        self.discriminators = nn.ModuleList(
            build((channels, -(-height // 2**scale), -(-width // 2**scale)))
            for scale in range(scales)
        )

    def forward(self, images: Tensor, condition: Tensor | None = None) -> Tensor:
        """Map (B, *shape) and perhaps images (B, C, H, W) to logits (B, count)."""
        shown = [images] if condition is None else [images, condition]
        logits: list[Tensor] = []
        for index, discriminator in enumerate(self.discriminators):
            if index:
                shown = [avg_pool2d(pixels, 2, ceil_mode=True) for pixels in shown]
            logits.append(discriminator(*shown).flatten(1))
        return torch.cat(logits, 1)
