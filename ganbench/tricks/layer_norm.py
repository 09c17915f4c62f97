# SPDX-License-Identifier: MIT
"""Layer normalization in the discriminator: no example's verdict depends on the rest of a batch."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from ganbench.gan import DataSpec, DiscriminatorFactory, Shape
from ganbench.nn.example_norm import normalize_examples
from ganbench.registry import register
from ganbench.trick import Trick


@register("layer-norm")
@dataclass(frozen=True)
class LayerNorm(Trick):
    """Normalizes all channels of each example together in the discriminator's hidden layers.

    Paper: Ba, Kiros and Hinton, 2016, arXiv:1607.06450

    ``gain * (x - mean) / sqrt(variance + 1e-5) + bias``, with the mean and variance over all
    channels and positions of one example, and a gain and a bias for each channel. It replaces batch
    normalization, which gradient penalties rule out (arXiv:1704.00028); a discriminator without any
    gets it before each activation, but not before the first of several.
    """

    def wrap_discriminator(
        self, build: DiscriminatorFactory, data: DataSpec
    ) -> DiscriminatorFactory:
        """Normalize the hidden layers of the discriminator."""

        def normalized(shape: Shape) -> nn.Module:
            return normalize_examples(build(shape), lambda channels: 1, trick="layer-norm")

        return normalized
