# SPDX-License-Identifier: MIT
"""Multi-scale discriminators: each judges the image at another resolution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field
from torch import nn

from ganbench.config import Recipe
from ganbench.errors import ConfigError
from ganbench.gan import GAN, DataSpec, DiscriminatorFactory, Shape
from ganbench.nn.multiscale import MultiScaleDiscriminator
from ganbench.registry import register
from ganbench.trick import Trick

_SMALLEST = 8
"""The shortest side of an image for which every backbone can be built."""


@register("multi-scale")
@dataclass(frozen=True)
class MultiScale(Trick):
    """Trains a discriminator of the image, another one of its means of 2 x 2 pixels, and so on.

    Paper: Wang et al., 2018, arXiv:1711.11585

    Discriminators of one kind, with the layers that their size needs, see the image at ``scales``
    resolutions, where the paper's have equal layers. Every loss is a mean
    over the logits of all of them. The paper has three, for images of at least 1024 x 512 pixels,
    and also matches their features, which is left out.
    """

    order: ClassVar[int] = -1  # before tricks that look into the network
    scales: Annotated[int, Field(ge=1)] = 2

    neutral: ClassVar = {"scales": 1}

    def check(self, gan: GAN, recipe: Recipe, data: DataSpec) -> None:
        """Refuse data that are not images, and images that become too small.

        Raises:
            ConfigError: The data are of another kind, or the smallest scale has too few pixels.
        """
        if not data.is_image:
            raise ConfigError(
                f"multi-scale reduces images, and {data.name} holds {data.plural}.",
                "Remove the trick, or choose images: ganbench ls datasets",
            )
        height, width = (-(-side // 2 ** (self.scales - 1)) for side in data.shape[1:])
        if self.scales > 1 and min(height, width) < _SMALLEST:
            raise ConfigError(
                f"multi-scale would show a discriminator images of {height} x {width} pixels, and "
                f"the shorter side must have at least {_SMALLEST}.",
                "Choose fewer scales or larger images, for example --dataset FOLDER@64",
            )

    def wrap_discriminator(
        self, build: DiscriminatorFactory, data: DataSpec
    ) -> DiscriminatorFactory:
        """Build a discriminator for each scale."""

        def several(shape: Shape) -> nn.Module:
            return MultiScaleDiscriminator(shape, build, scales=self.scales)

        return several if self.scales > 1 else build
