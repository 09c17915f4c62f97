# SPDX-License-Identifier: MIT
"""A dataset: a source that knows its shape before it is loaded, and a loaded split."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import torch
from torch import Tensor

from ganbench.gan import Batch, DataSpec
from ganbench.kinds import kind_of
from ganbench.kinds.eight_bit import to_network
from ganbench.runtime.transfer import pinned

ROOM = 0.5
"""A dataset is kept on a GPU if it needs at most this share of the free memory."""


@dataclass(frozen=True)
class StoredExamples:
    """Examples as they are stored, with what belongs to them: (n, ...) each."""

    values: Tensor
    labels: Tensor | None
    sources: Tensor | None


@dataclass(frozen=True)
class Dataset:
    """A split in memory: its samples (N, ...) as their kind stores them, and labels (N,) int64.

    Images are uint8 (N, C, H, W), videos uint8 (N, C, T, H, W), points float32 (N, D), signals
    float32 (N, C, L) and tokens int64 (N, L).

    ``sources`` are the other images of pairs, uint8 (N, C, H, W), one for each image in ``values``.

    ``target`` is the device that batches are sent to, where the values are not on it.
    """

    spec: DataSpec
    split: str
    values: Tensor
    labels: Tensor | None = None
    target: torch.device | None = None
    sources: Tensor | None = None

    def __len__(self) -> int:
        return len(self.values)

    def to(self, device: torch.device) -> Dataset:
        """Return the same split on a device.

        A split that is too large for a GPU stays in the host's memory. Its batches are copied
        from pages that cannot be swapped out, while the GPU computes.
        """
        needed = self.values.nbytes + (0 if self.sources is None else self.sources.nbytes)
        if device.type == "cuda" and needed > ROOM * torch.cuda.mem_get_info(device)[0]:
            return replace(self, target=device)
        return replace(
            self,
            values=self.values.to(device),
            labels=None if self.labels is None else self.labels.to(device),
            sources=None if self.sources is None else self.sources.to(device),
            target=None,
        )

    def take(self, indices: Tensor) -> Dataset:
        """Return the examples at ``indices`` (n,) int64."""
        labels = None if self.labels is None else self.labels[indices]
        sources = None if self.sources is None else self.sources[indices]
        return replace(self, values=self.values[indices], labels=labels, sources=sources)

    def batch(self, indices: Tensor) -> Batch:
        """Return examples as networks see them: pixels in [-1, 1], points as they are."""
        return self.as_batch(self.rows(indices))

    def rows(self, indices: Tensor) -> StoredExamples:
        """Return examples as they are stored, in pinned memory where they are yet to be sent."""
        return StoredExamples(
            self._picked(self.values, indices),
            None if self.labels is None else self._picked(self.labels, indices),
            None if self.sources is None else self._picked(self.sources, indices),
        )

    def as_batch(self, rows: StoredExamples) -> Batch:
        """Return stored examples as networks see them, on the device that batches are sent to."""
        images = kind_of(self.spec).to_network(self._sent(rows.values), self.spec)
        labels = None if rows.labels is None else self._sent(rows.labels)
        sources = None if rows.sources is None else to_network(self._sent(rows.sources))
        return Batch(images, labels, sources)

    def draw_sources(self, count: int, generator: torch.Generator) -> Tensor:
        """Draw sources (count, C, H, W) in [-1, 1] uniformly, on the device of a random stream."""
        device = generator.device
        indices = torch.randint(len(self), (count,), generator=generator, device=device)
        assert self.sources is not None
        return to_network(self._sent(self._picked(self.sources, indices.to(self.values.device))))

    def _picked(self, stored: Tensor, indices: Tensor) -> Tensor:
        chosen = stored.index_select(0, indices)
        return chosen if self.target is None else pinned(chosen)

    def _sent(self, chosen: Tensor) -> Tensor:
        return chosen if self.target is None else chosen.to(self.target, non_blocking=True)


class Source(ABC):
    """A dataset by name: what is known about it, and how each split is loaded.

    A subclass is registered in a file of its own. ``root`` is the folder that the user named
    with ``--data-root``, or None. ``passed_over`` counts by reason what else lies where the files
    are, and ``notices`` are sentences about it and about what was taken for classes.
    """

    passed_over: Mapping[str, int] = MappingProxyType({})
    notices: tuple[str, ...] = ()

    def __init__(self, root: Path | None = None) -> None:
        self.root = root

    @property
    @abstractmethod
    def spec(self) -> DataSpec:
        """The facts that are known without loading: name, version, shape, classes."""

    @property
    def splits(self) -> tuple[str, ...]:
        """The names of the splits; the first is trained on."""
        return ("train", "test")

    @abstractmethod
    def load(self, split: str) -> Dataset:
        """Load a split into memory.

        Raises:
            MissingDataError: the files are not here and cannot be downloaded.
            InputError: a file is here but cannot be read.
        """
