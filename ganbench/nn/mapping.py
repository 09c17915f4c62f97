# SPDX-License-Identifier: MIT
"""The mapping network of StyleGAN (Karras et al., 2019, arXiv:1812.04948)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from ganbench.gan import Labels
from ganbench.nn.equalized import EqualizedLinear

_LEARNING_RATE = 0.01


def scaled_leaky_relu(values: Tensor) -> Tensor:
    """Apply a LeakyReLU that keeps the variance of its input."""
    return leaky_relu(values, 0.2) * math.sqrt(2)


def unit_mean_square(values: Tensor) -> Tensor:
    """Scale (B, ..., size) so that the mean square of the last dimension is 1."""
    return values * (values.square().mean(-1, keepdim=True) + 1e-8).rsqrt()


class Mapping(nn.Module):
    """Maps latents to styles: scaled to unit mean square, then linear layers that learn slowly.

    Maps (B, latent_dim), and labels (B,) int64 where there are classes, to (B, style_dim). A label
    is embedded, scaled like the latent, and appended to it (arXiv:2006.06676).

    Args:
        latent_dim: The size of a latent.
        style_dim: The size of a style; None for that of a latent.
        layers: The number of linear layers.
        classes: The number of classes; 0 where there are no labels.
    """

    def __init__(
        self,
        latent_dim: int,
        style_dim: int | None = None,
        *,
        layers: int = 4,
        classes: int = 0,
    ) -> None:
        super().__init__()
        outputs = style_dim or latent_dim
        inputs = [2 * latent_dim if classes else latent_dim, *[outputs] * (layers - 1)]
        self.layers = nn.ModuleList(
            EqualizedLinear(size, outputs, learning_rate=_LEARNING_RATE) for size in inputs
        )
        self.embed = nn.Embedding(classes, latent_dim) if classes else None

    def forward(self, latents: Tensor, labels: Labels = None) -> Tensor:
        """Map latents (B, latent_dim) and labels (B,) or None to styles (B, style_dim)."""
        styles = unit_mean_square(latents)
        if self.embed is not None:
            styles = torch.cat([styles, unit_mean_square(self.embed(labels))], 1)
        for layer in self.layers:
            styles = scaled_leaky_relu(layer(styles))
        return styles
