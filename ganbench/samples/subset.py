# SPDX-License-Identifier: MIT
"""A random part of a set of samples, and iteration over single samples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from ganbench.data.array_source import shuffled
from ganbench.samples.image_samples import Images, pack
from ganbench.samples.sample_set import CHUNK, Chunk, Facts, Samples


def choose_subset(total: int, count: int | None, seed: int) -> NDArray[np.int64] | None:
    """Return the rising indices of ``count`` random samples of ``total``; None means all of them.

    With the same seed a smaller part lies within a larger part.
    """
    if count is None or count >= total:
        return None
    return np.sort(shuffled(total, seed)[:count])


def part_facts(facts: Facts, count: int, seed: int) -> Facts:
    """Return the facts of a random part; its version names the part if the whole has a version."""
    version = f"{facts.version}-{count}of{seed}" if facts.version else ""
    return replace(facts, version=version)


class Subset(Samples):
    """The samples at the rising indices ``chosen`` (n,) of a set, the whole of which is read."""

    def __init__(self, whole: Samples, chosen: NDArray[np.int64], seed: int) -> None:
        self._whole = whole
        self._chosen = chosen
        self.facts = part_facts(whole.facts, len(chosen), seed)
        self.labels = None if whole.labels is None else whole.labels[chosen]
        self.names = None if whole.names is None else [whole.names[index] for index in chosen]
        self.skipped = {}
        self.passed_over, self.notices = whole.passed_over, whole.notices
        self.takes_range = whole.takes_range

    def __len__(self) -> int:
        return len(self._chosen)

    def chunks(self, size: int = CHUNK) -> Iterator[Chunk]:
        """Yield the chosen samples."""
        yield from pack(self._items(), size)
        names = set(self.names or ())
        self.skipped |= {
            name: reason for name, reason in self._whole.skipped.items() if name in names
        }

    def _items(self) -> Images:
        positions = {index: position for position, index in enumerate(self._chosen.tolist())}
        for index, value in items(self._whole):
            if index in positions:
                yield positions[index], value


def of_class(samples: Samples, label: int) -> Subset:
    """Return the samples of one class of a set that has labels."""
    assert samples.labels is not None
    part = Subset(samples, np.flatnonzero(samples.labels == label), 0)
    version = f"{samples.facts.version}-class{label}" if samples.facts.version else ""
    part.facts = replace(samples.facts, version=version)
    return part


def items(samples: Samples) -> Images:
    """Yield the index and the value of every sample."""
    for chunk in samples.chunks():
        values = chunk.values if isinstance(chunk.values, list) else torch.unbind(chunk.values)
        yield from zip(chunk.indices.tolist(), values, strict=True)
