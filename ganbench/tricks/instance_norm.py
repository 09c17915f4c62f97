# SPDX-License-Identifier: MIT
"""Instance normalization in the discriminator: it sees no contrast, only structure."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from ganbench.gan import DataSpec, DiscriminatorFactory, Shape
from ganbench.nn.example_norm import normalize_examples
from ganbench.registry import register
from ganbench.trick import Trick


@register("instance-norm")
@dataclass(frozen=True)
class InstanceNorm(Trick):
    """Normalizes each channel of each example by itself in the discriminator's hidden maps.

    Paper: Ulyanov, Vedaldi and Lempitsky, 2016, arXiv:1607.08022

    ``gain * (x - mean) / sqrt(variance + 1e-5) + bias``, with the mean and variance over the
    positions of one channel of one example, and a gain and a bias for each channel. It replaces
    batch normalization; a discriminator without any gets it between convolutions and their
    activations, but not behind the first of several layers. Vectors, which have one position,
    cannot be normalized.
    """

    def wrap_discriminator(
        self, build: DiscriminatorFactory, data: DataSpec
    ) -> DiscriminatorFactory:
        """Normalize the hidden maps of the discriminator."""

        def normalized(shape: Shape) -> nn.Module:
            return normalize_examples(
                build(shape), lambda channels: channels, trick="instance-norm", vectors=False
            )

        return normalized
