# SPDX-License-Identifier: MIT
"""A dataset that one function reads into arrays, and the fixed order that splits are cut from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ganbench.config import join_words
from ganbench.data.dataset import Dataset, Source
from ganbench.data.square_images import resize
from ganbench.data.training_values import TrainingValues
from ganbench.errors import ConfigError
from ganbench.gan import PLURALS, DataSpec

Arrays = tuple[NDArray[Any], NDArray[np.integer[Any]] | None]
"""Samples (N, ...) as their kind stores them, such as uint8 images, and labels (N,) or None."""

ReadArrays = Callable[[str], Arrays]
"""Reads the split of that name."""

ReadSources = Callable[[str], NDArray[np.uint8]]
"""Reads the sources of a split, uint8 (N, C, H, W), in the order of its images."""

TEST_SHARE = 0.1
"""Share of a user's own data that is held out for testing."""
SPLIT_SEED = 10
"""Seed of the permutation that a user's own data are split by."""


class ArraySource(Source):
    """A dataset whose splits a function reads; images of another size are resized on loading.

    Args:
        spec: The facts that are known without loading.
        read: Reads a split by its name.
        root: The data folder that the user named, or None.
        splits: The names of the splits; the first is trained on.
        read_sources: Reads the sources of a split where the images have sources, or None.
        passed_over: Counts by reason of what else lies where the files are.
        notices: Sentences about it, and about what was taken for classes.
    """

    def __init__(
        self,
        spec: DataSpec,
        read: ReadArrays,
        *,
        root: Path | None = None,
        splits: tuple[str, ...] = ("train", "test"),
        read_sources: ReadSources | None = None,
        passed_over: Mapping[str, int] = MappingProxyType({}),
        notices: tuple[str, ...] = (),
    ) -> None:
        super().__init__(root)
        self.passed_over = passed_over
        self.notices = notices
        self._spec = spec
        self._read = read
        self._splits = splits
        self._read_sources = read_sources

    @property
    def spec(self) -> DataSpec:
        """The facts that are known without loading."""
        return self._spec

    @property
    def splits(self) -> tuple[str, ...]:
        """The names of the splits; the first is trained on."""
        return self._splits

    def load(self, split: str) -> Dataset:
        """Load a split into memory.

        Raises:
            ConfigError: there is no such split.
            MissingDataError: the files are not here and cannot be downloaded.
            InputError: a file is here but cannot be read.
        """
        if split not in self._splits:
            raise ConfigError(
                f"The dataset '{self._spec.name}' has no split '{split}'.",
                f"It has: {join_words(self._splits)}.",
            )
        values, labels = self._read(split)
        sources = None if self._read_sources is None else self._read_sources(split)
        return Dataset(
            self._spec,
            split,
            self._tensor(values),
            None if labels is None else torch.from_numpy(labels.astype(np.int64)),
            sources=None if sources is None else self._tensor(sources),
        )

    def _tensor(self, values: NDArray[Any]) -> torch.Tensor:
        """Return samples (N, ...) as a tensor; images of another size are resized."""
        if self._spec.is_image and values.shape[2:] != self._spec.shape[1:]:
            values = resize(values, self._spec.resolution)
        return torch.from_numpy(np.require(values, requirements=["C", "W"]))


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
    """Describe square images; a resolution other than the default becomes part of the name.

    Args:
        name: The dataset's name, without a resolution.
        channels: 1 or 3.
        default: The resolution in pixels where none is asked for.
        resolution: The resolution that was asked for, or None.
        version: The version of the data.
        classes: The number of classes, 0 where there are no labels.
        network: The feature network that measures such data, or None.
    """
    size = default if resolution is None else resolution
    full_name = name if size == default else f"{name}@{size}"
    return DataSpec(full_name, version, (channels, size, size), classes, network)


def array_spec(
    name: str,
    read: TrainingValues,
    labels: NDArray[np.int64] | None,
    *,
    version: str,
    resolution: int | None,
) -> DataSpec:
    """Describe samples in memory, and their labels (N,).

    Without a resolution images keep their own, or that of their shorter side where they are not
    square.

    Raises:
        ConfigError: a resolution is asked for, and the samples are no images.
    """
    classes = 0 if labels is None else int(labels.max()) + 1
    shape = read.values.shape[1:]
    if read.kind == "image":
        spec = image_spec(
            name, shape[0], min(shape[1:]), resolution, version=version, classes=classes
        )
        if read.sources is None:
            return spec
        return replace(spec, source=(read.sources.shape[1], *spec.shape[1:]))
    if resolution is not None:
        raise ConfigError(
            f"{name} holds {PLURALS[read.kind]}, which have no resolution; {resolution} was given."
        )
    if read.alphabet is not None:
        shape = (len(read.alphabet), *shape)  # a channel for each token
    return DataSpec(
        name, version, shape, classes, kind=read.kind, alphabet=read.alphabet, rate=read.rate
    )


def shuffled(count: int, *seed: int) -> NDArray[np.int64]:
    """Return a permutation (count,) that depends on the seed alone.

    It sorts the raw output of PCG64, which numpy promises never to change; numpy does not promise
    that for ``Generator.permutation``.
    """
    keys: NDArray[np.uint64] = np.random.PCG64(seed).random_raw(count)
    return np.argsort(keys, kind="stable").astype(np.int64)


def rows_from_anywhere(count: int, most: int) -> NDArray[np.int64]:
    """Return indices from all over ``count`` examples, always the same ones, in no time.

    Returns:
        All indices if there are at most ``most``; otherwise ``most`` of them, of which a few may
        be equal.
    """
    if count <= most:
        return np.arange(count, dtype=np.int64)
    drawn: NDArray[np.uint64] = np.random.PCG64(SPLIT_SEED).random_raw(most)
    return (drawn % np.uint64(count)).astype(np.int64)


def rows_of_split(
    values: NDArray[Any], labels: NDArray[np.integer[Any]] | None, split: str
) -> Arrays:
    """Return the part of a user's own examples (N, ...) and labels (N,) that is in a split."""
    chosen = held_out(len(values), split, TEST_SHARE, SPLIT_SEED)
    return values[chosen], None if labels is None else labels[chosen]


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
    # The test holds the last of each class in ``order``, so that order would not mix its classes.
    return chosen[shuffled(len(chosen), seed, 1)]
