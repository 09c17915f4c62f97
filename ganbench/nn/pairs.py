# SPDX-License-Identifier: MIT
"""Discriminators of pairs: an example with its label, its code, or another vector."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from ganbench.nn.mlp import MLP


class PairDiscriminator(nn.Module):
    """A discriminator of examples and conditions, which meet after the convolutions.

    Maps examples (B, *shape) and conditions (B, ...) to logits (B, 1). The features of both are
    concatenated, and a hidden layer looks at them together.

    Args:
        network: Maps (B, *shape) to (B, features).
        features: The number of features of an example, and of units in the hidden layer.
        embed: Maps conditions, such as labels (B,) int64, to (B, size).
        size: The number of features of a condition.
    """

    def __init__(self, network: nn.Module, features: int, embed: nn.Module, size: int) -> None:
        super().__init__()
        self.network = network
        self.embed = embed
        self.joint = MLP((features + size,), [features], (1,))

    def forward(self, examples: Tensor, condition: Tensor) -> Tensor:
        """Map (B, *shape) and conditions (B, ...) to logits (B, 1)."""
        features = leaky_relu(self.network(examples), 0.2)  # (B, features)
        logits: Tensor = self.joint(torch.cat([features, self.embed(condition)], 1))
        return logits
