# SPDX-License-Identifier: MIT
"""Which images are compared in pairs, and their distances, batch by batch."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ganbench.errors import ConfigError, InputError
from ganbench.evaluation.math.arrays import Array, Indices
from ganbench.evaluation.pair_network import PairNetwork
from ganbench.evaluation.protocol import PROTOCOL_SEED
from ganbench.runtime.inference import Compute
from ganbench.samples.sample_set import Samples

MOST_PAIRS = 1000


def random_pairs(count: int) -> Indices:
    """Return disjoint random pairs (P, 2) of ``count`` indices, P = min(1000, count // 2).

    The pairs are the same for the same count. No image is in two pairs, so their distances are
    independent, and the mean has the plain standard error.
    """
    pairs = min(MOST_PAIRS, count // 2)
    order = np.random.default_rng(PROTOCOL_SEED).permutation(count)
    return order[: 2 * pairs].reshape(pairs, 2)


def class_pairs(samples: Samples) -> Indices:
    """Return disjoint random pairs (P, 2) of samples that share their class, P <= 1000.

    Every class gives the same number of pairs, or as many as it has; of more than 1,000 classes
    a random choice gives one each.

    Raises:
        ConfigError: The classes of the samples are not known.
    """
    if samples.labels is None:
        raise ConfigError(
            f"The classes of {samples.facts.name} are not known, and pairs within a class were "
            "asked for.",
            "Give labels: a folder for each class, or 'labels' in the npz file.",
        )
    random = np.random.default_rng(PROTOCOL_SEED)
    classes = np.unique(samples.labels)
    if len(classes) > MOST_PAIRS:
        classes = np.sort(random.choice(classes, MOST_PAIRS, replace=False))
    most = max(1, MOST_PAIRS // len(classes))
    chosen = []
    for label in classes:
        members = random.permutation(np.flatnonzero(samples.labels == label))
        pairs = min(most, len(members) // 2)
        chosen.append(members[: 2 * pairs].reshape(pairs, 2))
    return np.concatenate(chosen)


class Pairing:
    """Pairs of images that wait until there is a batch of equal shapes."""

    def __init__(self, network: PairNetwork, compute: Compute) -> None:
        self._network = network
        self._compute = compute
        self._size = compute.batch_size or network.batch_size
        self._waiting: dict[torch.Size, list[tuple[Tensor, Tensor]]] = {}
        self._distances: list[Tensor] = []

    def add(self, first: Tensor, second: Tensor) -> None:
        """Add two images (C, H, W) uint8; gray next to color becomes three equal channels.

        Raises:
            InputError: The two differ in size.
        """
        if first.shape[1:] != second.shape[1:]:
            raise InputError(
                f"Images that are compared in pairs must share their size; there are "
                f"{first.shape[2]}x{first.shape[1]} and {second.shape[2]}x{second.shape[1]}.",
                "Resize them all to one size first.",
            )
        channels = max(len(first), len(second))
        first, second = first.expand(channels, -1, -1), second.expand(channels, -1, -1)
        waiting = self._waiting.setdefault(first.shape, [])
        waiting.append((first, second))
        if len(waiting) >= self._size:
            self._compare(waiting)

    def distances(self) -> Array:
        """Return the distances (P,) float64 of all pairs, batch by batch of equal shapes."""
        for waiting in self._waiting.values():
            if waiting:
                self._compare(waiting)
        distances = torch.cat(self._distances) if self._distances else torch.empty(0)
        return distances.cpu().double().numpy()

    def _compare(self, waiting: list[tuple[Tensor, Tensor]]) -> None:
        first, second = (torch.stack(side) for side in zip(*waiting, strict=True))  # (B, C, H, W)
        self._distances.append(self._network.distances(first, second, compute=self._compute))
        waiting.clear()
