# SPDX-License-Identifier: MIT
"""The one way to open a dataset: a name, a path, or data in memory."""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from torch import Tensor

from ganbench import registry
from ganbench.data.dataset import Dataset, Source
from ganbench.data.dataset_names import (
    ARRAY_FILES,
    ParsedName,
    check_resolution,
    find_path,
    is_path,
    parse_dataset_name,
)
from ganbench.data.value_range import ValueRange, check_value_range
from ganbench.errors import ConfigError, InputError, UnknownNameError
from ganbench.progress import SILENT, Progress


def open_dataset(
    source: object,
    root: Path | None = None,
    *,
    resolution: int | None = None,
    value_range: ValueRange | None = None,
    labels: Sequence[int] | NDArray[Any] | Tensor | None = None,
    progress: Progress = SILENT,
) -> Source:
    """Open a dataset to train on.

    ``source`` is one of these:

    - a registered name; ``name@64`` asks for images of 64 x 64 pixels, as ``resolution`` does;
    - a path: a folder, ``.zip`` or ``.tar`` (``.tar.gz``, ``.tgz``, ...) of images, or an ``.npz``
      or ``.npy`` file; ``file.npz@0..1`` states the range of its floating-point images, as
      ``value_range`` does;
    - a folder of pairs, for models that make an image from its source: the folders ``images`` and
      ``sources`` in it hold files of the same names;
    - a folder that Hugging Face's ``save_to_disk`` wrote (package ``datasets``);
    - a folder of ``.wav`` files: signals of 16,384 steps, or of 8,192 as ``folder@8192``;
    - an array or a tensor: images (N, H, W), (N, H, W, C) or (N, C, H, W) with 1 or 3 channels,
      uint8 or floats, points (N, D) as floats, or videos (N, T, H, W, C) or (N, C, T, H, W);
    - a torch ``Dataset``, map-style or iterable, a ``DataLoader``, a Hugging Face dataset, or a
      list: each item is a PIL image, a tensor or an array, a tuple (image, label), or a
      dictionary with ``image``, ``img`` or ``pixel_values`` and ``label``;
    - a mapping with a key that names the kind, as in an npz file: ``{"sequences": array}``, with
      ``labels``, ``rate`` and ``alphabet``, or ``{"videos": array}``; signals (N, C, L) and tokens
      (N, L) must be named, as arrays (N, H, W) are gray; ``{"images": a, "sources": b}`` are pairs;
    - a mapping of such data by split, such as a Hugging Face ``DatasetDict``;
    - a loaded ``Dataset`` of ganbench, or a ``Source``, which is returned as it is.

    A folder or file is read once when it is opened, to know its shape; the name in the returned
    source's ``spec`` opens the same data again, from any working folder. Data in memory are read
    whole; their version is a hash of the content, so that equal data have one identity. Nine
    tenths of data without splits are for training, and a fixed tenth is held out.

    Args:
        source: What to open; see above.
        root: The folder that is searched first for downloaded files.
        resolution: Height and width in pixels, or the length of sounds; without it each dataset
            has its own default.
        value_range: The values of black and white in floating-point images in memory or in an
            npz file; without it they are in [-1, 1]. Images that are uint8 have no range.
        labels: Integers (N,) from 0, the classes of an array, a tensor or a list.
        progress: Hears how far a download is when a split is loaded.

    Raises:
        UnknownNameError: no dataset of that name; the message suggests the nearest.
        MissingDataError: the path does not exist.
        InputError: the source cannot be read as data of any kind.
        ConfigError: a resolution, range or labels that the source cannot have.
    """
    value_range = check_value_range(value_range)
    if isinstance(source, str | os.PathLike):
        if labels is not None:
            raise ConfigError("Labels can be given for data in memory only.")
        text = os.fspath(source)
        name = parse_dataset_name(text, resolution=resolution, value_range=value_range)
        if isinstance(source, os.PathLike) or is_path(name.name):
            return _open_path(name)
        return _open_registered(name, root, progress)
    if isinstance(source, Source | Dataset) and (value_range is not None or labels is not None):
        raise ConfigError(f"{source.spec.name} is open already and takes no range or labels.")
    if isinstance(source, Source):
        if resolution is not None:
            raise ConfigError(f"{source.spec.name} is open already and takes no resolution.")
        return source
    return _open_in_memory(source, resolution, value_range, labels)


def _open_path(name: ParsedName) -> Source:
    # Each reader loads Pillow and thread pools, so only the one that is needed is imported.
    path, _ = find_path(name.name)
    from ganbench.data.sounds import holds_sounds, open_sounds

    if holds_sounds(path):
        return open_sounds(path, name.resolution)
    check_resolution(name.name, name.resolution)
    if path.suffix.lower() in ARRAY_FILES:
        from ganbench.data.npz import open_array_file

        return open_array_file(path, name.resolution, name.value_range)
    from ganbench.data.folder import open_images
    from ganbench.data.hugging_face import holds_hugging_face, open_hugging_face
    from ganbench.data.pair_folder import holds_pairs, open_pairs

    if holds_hugging_face(path):
        return open_hugging_face(path, name.resolution)
    if holds_pairs(path):
        return open_pairs(path, name.resolution)
    return open_images(path, name.resolution)


def _open_registered(name: ParsedName, root: Path | None, progress: Progress) -> Source:
    try:
        entry = registry.datasets.get(name.name)
    except UnknownNameError as error:
        if Path(name.name).is_dir():
            raise UnknownNameError(
                error.message, f"For the folder of that name: ./{name.name}"
            ) from error
        raise
    parameters = inspect.signature(entry).parameters
    options: dict[str, Any] = {"progress": progress} if "progress" in parameters else {}
    if name.resolution is not None:
        if "resolution" not in parameters:
            raise ConfigError(
                f"The dataset '{name.name}' has one size only, so it cannot be opened as "
                f"'@{name.resolution}'.",
                f"For example: --dataset {name.name}",
            )
        options["resolution"] = name.resolution
    source: Source = entry(root, **options)
    return source


def _open_in_memory(
    source: object,
    resolution: int | None,
    value_range: ValueRange | None,
    labels: Sequence[int] | NDArray[Any] | Tensor | None,
) -> Source:
    from ganbench.data.in_memory import read_examples
    from ganbench.data.memory_source import dataset_source, memory_source
    from ganbench.data.named_arrays import kind_keys, mapped_examples
    from ganbench.data.value_layout import checked_labels

    if isinstance(source, Dataset):
        return dataset_source(source, resolution=resolution)
    if isinstance(source, Mapping) and kind_keys(source):
        named = mapped_examples(source if labels is None else {**source, "labels": labels})
        return memory_source({"all": named}, resolution=resolution, value_range=value_range)
    parts = source if isinstance(source, Mapping) and source else {"all": source}
    if labels is not None and len(parts) > 1:
        raise ConfigError("Labels can be given for data without splits only.")
    examples = {}
    for split, part in parts.items():
        read = read_examples(part)
        if read is None:
            raise InputError(
                f"A dataset cannot be opened from {type(part).__name__}; a name, a path, an "
                "array, a tensor, a Dataset, a DataLoader or a list of images was expected."
            )
        if labels is not None:
            count = read.values.shape[0] if read.values.ndim else 0
            read = replace(read, labels=checked_labels(labels, count, read.name))
        examples[str(split)] = read
    return memory_source(examples, resolution=resolution, value_range=value_range)
