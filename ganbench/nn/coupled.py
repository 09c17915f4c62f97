# SPDX-License-Identifier: MIT
"""Coupled networks for two domains of images (Liu and Tuzel, 2016, arXiv:1606.07536)."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu


class CoupledGenerator(nn.Module):
    """Two generators that share all layers but the filters of the last.

    Maps latents (B, latent_dim) to images of the first domain (B, C, H, W) and, as extras, to a
    tuple of those of the second.

    Args:
        network: Maps (B, latent_dim) to (B, 2 C, H, W).
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, latents: Tensor) -> tuple[Tensor, tuple[Tensor]]:
        """Map latents (B, latent_dim) to images of both domains, (B, C, H, W) each."""
        first, second = self.network(latents).chunk(2, 1)
        return first, (second,)


class CoupledDiscriminator(nn.Module):
    """Two discriminators that share all layers but the first.

    Maps images of the first domain (B, C, H, W) and a tuple of those of the second to logits
    (B, 2): one for each domain, of which neither depends on the image of the other. Batch
    normalization in the shared layers normalizes each domain by its own statistics.

    Args:
        network: The shared layers: maps (B, maps, H, W) to logits (B, 1).
        channels: The number of channels of an image.
        maps: The number of maps that each first layer makes of an image.
    """

    logit_layer = None

    def __init__(self, network: nn.Module, channels: int, maps: int) -> None:
        super().__init__()
        self.network = network
        self.first = nn.ModuleList(nn.Conv2d(channels, maps, 3, padding=1) for _ in range(2))

    def first_to_last(self) -> Iterator[nn.Module]:
        """Yield the first layer of each domain, then the parts that they share."""
        yield from (*self.first, *self.network.modules())

    def forward(self, images: Tensor, others: tuple[Tensor]) -> Tensor:
        """Map images of both domains (B, C, H, W) to logits (B, 2)."""
        pair = zip(self.first, (images, *others), strict=True)
        return torch.cat([self.network(leaky_relu(layer(seen), 0.2)) for layer, seen in pair], 1)
