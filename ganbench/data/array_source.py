# SPDX-License-Identifier: MIT
"""A dataset that one function reads into arrays, and the fixed order that splits are cut from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ganbench.config import join_words
from ganbench.data.dataset import Dataset, Source
from ganbench.data.square_images import resize
from ganbench.errors import ConfigError
from ganbench.gan import DataSpec

Arrays = tuple[NDArray[Any], NDArray[np.integer[Any]] | None]
"""Images (N, C, H, W) uint8 or points (N, D) float32, and labels (N,) or None."""

ReadArrays = Callable[[str], Arrays]
"""Reads the split of that name."""


class ArraySource(Source):
    """A dataset whose splits a function reads; images of another size are resized on loading."""

    def __init__(
        self,
        spec: DataSpec,
        read: ReadArrays,
        *,
        root: Path | None = None,
        splits: tuple[str, ...] = ("train", "test"),
    ) -> None:
        super().__init__(root)
        self._spec = spec
        self._read = read
        self._splits = splits

    @property
    def spec(self) -> DataSpec:
        """What is known without loading."""
        return self._spec

    @property
    def splits(self) -> tuple[str, ...]:
        """The names of the splits; the first is trained on."""
        return self._splits

    def load(self, split: str) -> Dataset:
        """Load a split into memory (errors as in ``Source``; ConfigError for an unknown split)."""
        if split not in self._splits:
            raise ConfigError(
                f"The dataset '{self._spec.name}' has no split '{split}'.",
                f"It has: {join_words(self._splits)}.",
            )
        values, labels = self._read(split)
        if self._spec.is_image and values.shape[2:] != self._spec.shape[1:]:
            values = resize(values, self._spec.resolution)
        tensor = torch.from_numpy(np.require(values, requirements=["C", "W"]))
        if labels is None:
            return Dataset(self._spec, split, tensor)
        return Dataset(self._spec, split, tensor, torch.from_numpy(labels.astype(np.int64)))


def image_spec(
    name: str,
    channels: int,
    default: int,
    resolution: int | None,
    *,
    version: str = "1",
    classes: int = 0,
    network: str | None = None,
) -> DataSpec:
    """Describe square images; a resolution other than the default becomes part of the name."""
    size = default if resolution is None else resolution
    shown = name if size == default else f"{name}@{size}"
    return DataSpec(shown, version, (channels, size, size), classes, network)


def shuffled(count: int, *seed: int) -> NDArray[np.int64]:
    """Return a permutation (count,) that depends on the seed alone.

    It sorts the raw output of PCG64, which numpy promises never to change; the same promise is
    not made for ``Generator.permutation``.
    """
    keys: NDArray[np.uint64] = np.random.PCG64(seed).random_raw(count)
    return np.argsort(keys, kind="stable").astype(np.int64)


def held_out(count: int, split: str, share: float, seed: int) -> NDArray[np.int64]:
    """Return the indices of a split: the last ``share`` of a fixed permutation is the test."""
    order = shuffled(count, seed)
    first_of_test = count - max(1, round(share * count))
    return order[:first_of_test] if split == "train" else order[first_of_test:]


def held_out_by_class(
    labels: NDArray[np.integer[Any]], split: str, share: float, seed: int
) -> NDArray[np.int64]:
    """Return the indices of a split that holds out the same share of every class.

    Both splits mix the classes, in a fixed order, so that the first n examples are a fair sample.
    """
    order = shuffled(len(labels), seed)
    in_test = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        members = order[labels[order] == label]
        in_test[members[len(members) - round(share * len(members)) :]] = True
    chosen = np.flatnonzero(in_test == (split == "test"))
    # Whoever comes late in ``order`` is in the test, so that order would not mix its classes.
    return chosen[shuffled(len(chosen), seed, 1)]
