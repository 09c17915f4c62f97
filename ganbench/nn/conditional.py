# SPDX-License-Identifier: MIT
"""Networks with a class label, a second head, or both, around any network of this package."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, one_hot


class LabeledGenerator(nn.Module):
    """A generator whose latents have the label appended as a one-hot vector.

    Maps latents (B, latent_dim) and labels (B,) int64 to (B, *shape).

    Args:
        network: Maps (B, latent_dim + classes) to (B, *shape).
        classes: The number of classes.
    """

    def __init__(self, network: nn.Module, classes: int) -> None:
        super().__init__()
        self.network = network
        self.classes = classes

    def forward(self, latents: Tensor, labels: Tensor) -> Tensor:
        """Map latents (B, latent_dim) and labels (B,) to (B, *shape)."""
        codes = one_hot(labels, self.classes).to(latents.dtype)  # (B, classes)
        examples: Tensor = self.network(torch.cat([latents, codes], 1))
        return examples


class TwoHeads(nn.Module):
    """A discriminator whose outputs are a logit and, as extras, the values of a second head.

    Maps (B, *shape) to logits (B, 1) and values (B, outputs - 1).

    Args:
        network: Maps (B, *shape) to (B, outputs).
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Map (B, *shape) to logits (B, 1) and the values (B, outputs - 1) of the other head."""
        outputs = self.network(images)
        return outputs[:, :1], outputs[:, 1:]


def unit_embedding(classes: int, size: int) -> nn.Embedding:
    """Return an embedding whose vectors start at about unit length, (classes, size).

    An inner product with such a vector starts no larger than a feature; and where only the
    direction counts, an update turns a vector the less, the longer it is.
    """
    embed = nn.Embedding(classes, size)
    with torch.no_grad():
        embed.weight.mul_(size**-0.5)
    return embed


class ProjectionDiscriminator(nn.Module):
    """A discriminator whose logit has the inner product of features and an embedded condition.

    Maps images (B, *shape) and conditions y to logits (B, 1): ``psi(f) + <embed(y), f>`` with
    features f = LeakyReLU(network(x)) (Miyato and Koyama, 2018, arXiv:1802.05637, equation 3).

    Args:
        network: Maps (B, *shape) to (B, features).
        features: The number of features.
        embed: Maps conditions (B, ...), such as labels (B,) int64, to (B, features).
    """

    logit_layer = "psi"

    def __init__(self, network: nn.Module, features: int, embed: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.psi = nn.Linear(features, 1)
        self.embed = embed

    def forward(self, images: Tensor, condition: Tensor) -> Tensor:
        """Map (B, *shape) and conditions (B, ...) to logits (B, 1)."""
        features = leaky_relu(self.network(images), 0.2)  # (B, features)
        logits: Tensor = self.psi(features)
        projections: Tensor = (self.embed(condition) * features).sum(1, keepdim=True)
        return logits + projections
