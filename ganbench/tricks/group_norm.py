# SPDX-License-Identifier: MIT
"""Group normalization in the discriminator: between layer and instance normalization."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field
from torch import nn

from ganbench.gan import DataSpec, DiscriminatorFactory, Shape
from ganbench.nn.example_norm import normalize_examples
from ganbench.registry import register
from ganbench.trick import Trick


@register("group-norm")
@dataclass(frozen=True)
class GroupNorm(Trick):
    """Normalizes groups of channels of each example in the discriminator's hidden layers.

    Paper: Wu and He, 2018, arXiv:1803.08494

    ``gain * (x - mean) / sqrt(variance + 1e-5) + bias``, with the mean and variance over the
    positions and the channels of a group of one example, and a gain and a bias for each channel.
    A group has gcd(channels of the layer, ``channels``) channels. It replaces batch normalization;
    a discriminator without any gets it before each activation, but not before the first of several.
    """

    channels: Annotated[int, Field(ge=1)] = 16

    def wrap_discriminator(
        self, build: DiscriminatorFactory, data: DataSpec
    ) -> DiscriminatorFactory:
        """Normalize the hidden layers of the discriminator."""

        def normalized(shape: Shape) -> nn.Module:
            return normalize_examples(
                build(shape),
                lambda channels: channels // math.gcd(channels, self.channels),
                trick="group-norm",
            )

        return normalized
