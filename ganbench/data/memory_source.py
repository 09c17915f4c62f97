# SPDX-License-Identifier: MIT
"""Examples in memory as a dataset that can be trained on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganbench.data.array_source import (
    Arrays,
    ArraySource,
    ReadSources,
    array_spec,
    rows_of_split,
)
from ganbench.data.dataset import Dataset, Source
from ganbench.data.in_memory import Examples
from ganbench.data.training_values import TrainingValues, training_values
from ganbench.data.value_range import ValueRange
from ganbench.errors import InputError
from ganbench.gan import DataSpec

_RULES = 1
"""Version of how examples become values and splits; raised when a change alters either."""


def memory_source(
    examples: Mapping[str, Examples],
    *,
    resolution: int | None = None,
    value_range: ValueRange | None = None,
    like: DataSpec | None = None,
) -> Source:
    """Return examples as a dataset whose version is a hash of values, shape, type and labels.

    Of a single split nine tenths are for training, and the last tenth of a fixed permutation is
    held out. The split ``train`` comes first where there are several.

    Args:
        examples: The examples of each split by its name.
        resolution: The resolution that images are resized to; without it they keep their own.
        value_range: The values of black and white in floating-point images, None for [-1, 1].
        like: The dataset that the examples are from, which knows its classes, its mixture, and
            the network that measures it; or None.

    Raises:
        InputError: values of no kind, that are not finite or not in their range, fewer than two
            examples, or splits of different shapes.
        ConfigError: a resolution for data that are no images.
    """
    arrays: dict[str, Arrays] = {}
    sources: dict[str, NDArray[np.uint8]] = {}
    reads: list[TrainingValues] = []
    for split in sorted(examples, key=lambda split: split != "train"):
        part = examples[split]
        read = training_values(
            part,
            part.name if len(examples) == 1 else f"The split '{split}' of {part.name}",
            value_range=value_range,
        )
        arrays[split] = _own(read.values, part), part.labels
        if read.sources is not None and part.sources is not None:
            sources[split] = _own(read.sources, part.sources)
        reads.append(read)
    (first, _), *others = arrays.values()
    if any(values.shape[1:] != first.shape[1:] for values, _ in others):
        shapes = ", ".join(f"{split} {values.shape[1:]}" for split, (values, _) in arrays.items())
        raise InputError(f"The splits hold examples of different shapes: {shapes}.")
    labels = [part.labels for part in examples.values() if part.labels is not None]
    spec = array_spec(
        next(iter(examples.values())).name,
        reads[0],
        np.concatenate(labels) if labels else None,
        version=_version(arrays, sources, reads[0]),
        resolution=resolution,
    )
    if like is not None:
        spec = replace(spec, classes=like.classes, network=like.network, mixture=like.mixture)
    if others:
        return ArraySource(
            spec,
            arrays.__getitem__,
            splits=tuple(arrays),
            read_sources=sources.__getitem__ if sources else None,
        )
    ((values, only_labels),) = arrays.values()
    return ArraySource(
        spec,
        lambda split: rows_of_split(values, only_labels, split),
        read_sources=_rows_of_sources(*sources.values()) if sources else None,
    )


def dataset_source(dataset: Dataset, *, resolution: int | None = None) -> Source:
    """Return a loaded split as a dataset of its own, measured as the dataset that it is from."""
    part = Examples(
        name=f"dataset-{PurePath(dataset.spec.name).name}",
        values=dataset.values.cpu().numpy(),
        labels=None if dataset.labels is None else dataset.labels.cpu().numpy(),
        channels_first=True,
        kind=dataset.spec.kind,
        alphabet=dataset.spec.alphabet,
        rate=dataset.spec.rate,
        sources=_sources_of(dataset),
    )
    return memory_source({dataset.split: part}, resolution=resolution, like=dataset.spec)


def _sources_of(dataset: Dataset) -> Examples | None:
    if dataset.sources is None:
        return None
    return Examples("sources", dataset.sources.cpu().numpy(), channels_first=True)


def _own(values: NDArray[Any], examples: Examples) -> NDArray[Any]:
    """Return values that share no memory with an array, which its user may change later."""
    return values.copy() if np.may_share_memory(values, examples.values) else values


def _rows_of_sources(sources: NDArray[np.uint8]) -> ReadSources:
    return lambda split: rows_of_split(sources, None, split)[0]


def _version(
    arrays: Mapping[str, Arrays], sources: Mapping[str, NDArray[np.uint8]], read: TrainingValues
) -> str:
    """Return 16 hex digits of the SHA-256 of all splits, and of what is known of them."""
    digest = hashlib.sha256()
    if read.alphabet is not None or read.rate is not None:
        digest.update(repr((read.alphabet, read.rate)).encode())
    for split, (values, labels) in arrays.items():
        split_name = split if len(arrays) > 1 else ""
        digest.update(repr((_RULES, split_name, values.shape, str(values.dtype))).encode())
        digest.update(np.ascontiguousarray(values).data)
        if labels is not None:
            digest.update(b"labels" + labels.astype("<i8").tobytes())
        if split in sources:
            digest.update(b"sources" + repr(sources[split].shape).encode())
            digest.update(np.ascontiguousarray(sources[split]).data)
    return digest.hexdigest()[:16]
