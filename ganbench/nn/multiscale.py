# SPDX-License-Identifier: MIT
"""Several discriminators, each of an image at another resolution (arXiv:1711.11585)."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from ganbench.gan import Condition, Shape
from ganbench.nn.several import side_by_side


class MultiScaleDiscriminator(nn.Module):
    """Discriminators of one kind for an image, its means of 2 x 2 pixels, and so on.

    Maps images (B, *shape) to the logits of all of them, (B, count). Every logit counts alike in a
    loss, so a patch discriminator counts more at the finer scales, where it has more logits. A
    condition that is images, such as the source of each image, must have the same size, and is
    reduced likewise; any other, such as a label, is given to all.

    Args:
        shape: (C, H, W) of an image.
        build: Builds a discriminator from the shape of its images; it maps them, and perhaps a
            condition, to logits (B, ...).
        scales: The number of discriminators.
    """

    logit_layer = None
    judges = "discriminators"

    def __init__(
        self, shape: Shape, build: Callable[[Shape], nn.Module], *, scales: int = 3
    ) -> None:
        super().__init__()
        channels, height, width = shape
        self.discriminators = nn.ModuleList(
            build((channels, -(-height // 2**scale), -(-width // 2**scale)))
            for scale in range(scales)
        )

    def forward(self, images: Tensor, *condition: Condition) -> Tensor:
        """Map (B, *shape), and perhaps their condition, to logits (B, count).

        Raises:
            ConfigError: A discriminator returns more than logits.
        """
        shown, outputs = [images, *condition], []
        for index, discriminator in enumerate(self.discriminators):
            if index:
                shown = [_halved(part) for part in shown]
            outputs.append(discriminator(*shown))
        return side_by_side(outputs)


def _halved(part: Condition) -> Condition:
    """Return the means of 2 x 2 pixels of images (B, C, H, W), alone or in tuples."""
    if isinstance(part, tuple | list):
        return type(part)(_halved(each) for each in part)
    if isinstance(part, Tensor) and part.ndim == 4:
        return avg_pool2d(part, 2, ceil_mode=True)
    return part
