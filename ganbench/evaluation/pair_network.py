# SPDX-License-Identifier: MIT
"""The contract of a pair network: two images in, their distance or similarity out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor

from ganbench.errors import ConfigError, InputError
from ganbench.evaluation.feature_network import FeatureNetwork, NetworkFacts, check_images
from ganbench.evaluation.math.blockwise import blocks
from ganbench.runtime.inference import Compute

PIXELS_AT_ONCE = 2**20
"""About how many pixels are compared at once, so that memory does not grow with their number."""


class PairNetwork(ABC):
    """A distance, or a similarity, between two images."""

    batch_size = 32
    """Pairs that are compared at once."""

    facts: NetworkFacts
    """What protocols must know of it; ``feature_size`` and ``classes`` are 0."""

    @abstractmethod
    def distances(self, first: Tensor, second: Tensor, *, compute: Compute) -> Tensor:
        """Return the distance within each pair of images, (B,), where it was computed.

        Args:
            first: uint8 images (B, C, H, W), C = 1 or 3.
            second: Images of the same type and shape.
            compute: Where and how the network computes.

        Raises:
            InputError: The images are of another type, differ in shape, or are too small.
        """

    def fine_distances(self, first: Tensor, second: Tensor, *, compute: Compute) -> Tensor:
        """Return the distance within each pair of images that may differ by less than a level.

        Args:
            first: Floating-point images (B, C, H, W) in [-1, 1], C = 1 or 3.
            second: Images of the same shape.
            compute: Where and how the network computes.

        Raises:
            ConfigError: The network compares images in 256 levels only.
        """
        raise ConfigError(
            f"The network {self.facts.name} compares images in 256 levels, and steps along paths "
            "are smaller.",
            "Leave its name out: path lengths are measured with vgg16.",
        )


Network = FeatureNetwork | PairNetwork
"""Anything that is registered as a feature network."""


def check_pairs(first: Tensor, second: Tensor) -> None:
    """Raise InputError unless both are uint8 images (N, C, H, W) of one shape, C = 1 or 3."""
    check_images(first)
    check_images(second)
    if first.shape != second.shape:
        raise InputError(
            "Images are compared with others of the same shape, not "
            f"{tuple(first.shape)} with {tuple(second.shape)}."
        )


def compare_in_batches(
    compare: Callable[[Tensor, Tensor], Tensor], first: Tensor, second: Tensor, *, size: int
) -> Tensor:
    """Compare images (B, C, H, W) pair by pair, at most ``size`` at once, to (B,)."""
    return torch.cat([compare(first[rows], second[rows]) for rows in blocks(len(first), size)])
