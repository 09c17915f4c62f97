# SPDX-License-Identifier: MIT
"""A discriminator whose last layer is a direction (SAN: Takida et al., 2024, arXiv:2301.12811)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, normalize


class SlicedDiscriminator(nn.Module):
    """Projects features on a unit vector, which learns from the extras and not from the logits.

    Maps (B, *shape) to logits (B, 1) and, as extras, equal values (B, 1). Features
    f = LeakyReLU(network(x)) get the gradient of the logits alone, the direction that of the
    extras alone.

    Args:
        network: Maps (B, *shape) to (B, features).
        features: The number of features.
    """

    logit_layer = None

    def __init__(self, network: nn.Module, features: int) -> None:
        super().__init__()
        self.network = network
        # Of about unit length, because the longer it is, the less does an update of Adam turn it.
        self.direction = nn.Parameter(torch.randn(features) * features**-0.5)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Map (B, *shape) to logits (B, 1) and equal values (B, 1)."""
        features = leaky_relu(self.network(images), 0.2)  # (B, features)
        direction = normalize(self.direction, dim=0)[:, None]  # (features, 1)
        return features @ direction.detach(), features.detach() @ direction
