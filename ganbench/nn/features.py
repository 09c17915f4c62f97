# SPDX-License-Identifier: MIT
"""Discriminators that return what they know of an example next to their logit."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import leaky_relu, normalize

from ganbench.nn.conditional import unit_embedding
from ganbench.turn import Scored, Turn


class FeatureDiscriminator(nn.Module):
    """A discriminator whose extras are the features that its logit is a linear function of.

    Maps (B, *shape) to logits (B, 1) and features (B, features).

    Args:
        network: Maps (B, *shape) to (B, features).
        features: The number of features.
    """

    def __init__(self, network: nn.Module, features: int) -> None:
        super().__init__()
        self.network = network
        self.head = nn.Linear(features, 1)

    def forward(self, examples: Tensor) -> tuple[Tensor, Tensor]:
        """Map (B, *shape) to logits (B, 1) and features (B, features)."""
        features = leaky_relu(self.network(examples), 0.2)
        return self.head(features), features


class AuxiliaryDiscriminator(nn.Module):
    """A discriminator with an auxiliary head, a layer of its own on the features of the logit.

    Maps (B, *shape) to logits (B, 1) and, as extras, values (B, outputs). Two layers, not rows of
    one, so that what bounds the weights of one head, such as spectral normalization, does not
    share the bound with the other.

    Args:
        network: Maps (B, *shape) to (B, features).
        features: The number of features.
        outputs: The number of values of the auxiliary head.
    """

    logit_layer = "head"

    def __init__(self, network: nn.Module, features: int, outputs: int) -> None:
        super().__init__()
        self.network = network
        self.head = nn.Linear(features, 1)
        self.auxiliary = nn.Linear(features, outputs)

    def forward(self, examples: Tensor) -> tuple[Tensor, Tensor]:
        """Map (B, *shape) to logits (B, 1) and values (B, outputs)."""
        features = leaky_relu(self.network(examples), 0.2)
        return self.head(features), self.auxiliary(features)


class ContrastiveDiscriminator(nn.Module):
    """A discriminator that places examples and their classes on one hypersphere.

    Maps examples (B, *shape) and labels (B,) int64 to logits (B, 1) and, as extras, unit vectors
    of the examples (B, size) and of their classes (B, size). The logit knows no class.

    Args:
        network: Maps (B, *shape) to (B, features).
        features: The number of features.
        classes: The number of classes.
        size: The number of coordinates on the sphere.
    """

    logit_layer = "head"

    def __init__(self, network: nn.Module, features: int, classes: int, size: int) -> None:
        super().__init__()
        self.network = network
        self.head = nn.Linear(features, 1)
        self.project = nn.Linear(features, size)
        self.embed = unit_embedding(classes, size)

    def forward(self, examples: Tensor, labels: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Map (B, *shape) and labels (B,) to logits and to unit vectors of both (B, size)."""
        features = leaky_relu(self.network(examples), 0.2)  # (B, features)
        places = normalize(self.project(features)), normalize(self.embed(labels))
        return self.head(features), places


def gathered(scored: Scored, turn: Turn) -> tuple[Tensor, Tensor, Tensor]:
    """Return what a ``ContrastiveDiscriminator`` says of the batch of all processes.

    Args:
        scored: Examples with labels, which the discriminator has placed.
        turn: The turn they belong to.

    Returns:
        Unit vectors of the examples (B, size) and of their classes (B, size), and labels (B,).
    """
    assert scored.batch.labels is not None
    gather = turn.state.group.gather
    places, classes = (gather(each.float()).flatten(0, 1) for each in scored.extras)
    return places, classes, gather(scored.batch.labels).flatten()
