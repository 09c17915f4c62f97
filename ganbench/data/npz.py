# SPDX-License-Identifier: MIT
"""Samples in an npz file, under a key that names their kind, and ``labels``.

``images`` are (N, H, W), (N, H, W, C) or (N, C, H, W) with C 1 or 3, as uint8 or as floats in
[-1, 1] or a stated range; next to them may be ``sources``, the other image of each pair, of the
same height and width. ``points`` are floats (N, D). ``sequences`` are signals, floats
(N, C, L) or (N, L) in [-1, 1] or a stated range, with an optional ``rate`` in steps a second, or
tokens, integers (N, L) from 0, with an optional ``alphabet`` that holds the text of each.
``videos`` are (N, T, H, W), (N, T, H, W, C) or (N, C, T, H, W), typed as images are. Labels are
integers (N,) from 0. A file with a single array next to the labels may call it anything; it is
read as images, points or videos by its shape. Nothing is unpickled. Nine tenths are for training,
and the last tenth of a fixed permutation is held out.
"""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganbench.config import join_words
from ganbench.data.array_source import Arrays, ArraySource, array_spec, rows_of_split
from ganbench.data.dataset import Source
from ganbench.data.dataset_names import name_with_range
from ganbench.data.in_memory import Examples
from ganbench.data.named_arrays import KINDS_BY_KEY, kind_keys, with_companions
from ganbench.data.training_values import TrainingValues, training_values
from ganbench.data.value_layout import checked_labels
from ganbench.data.value_range import ValueRange
from ganbench.errors import InputError, MissingDataError

_RULES = 1
"""Version of how arrays are read and split; raised when a change alters values or splits."""


def open_npz(
    path: Path, resolution: int | None = None, value_range: ValueRange | None = None
) -> Source:
    """Open an npz file; it is read once, to know what is in it.

    Without a resolution images keep their own, or that of their shorter side where they are not
    square: the largest centered square is kept. The version is a hash of the file; a stated range
    becomes part of the name.

    Raises:
        MissingDataError: there is no such file.
        InputError: the file cannot be read, or does not hold such arrays.
        ConfigError: a resolution for data that are no images.
    """
    if not path.exists():
        raise MissingDataError(
            f"There is no file {path}.", "See what is built in: ganbench ls datasets"
        )
    path = path.resolve()
    read, labels = _read_file(path, value_range)
    spec = array_spec(
        name_with_range(str(path), value_range),
        read,
        labels,
        version=f"{_RULES}-{_digest(path)}",
        resolution=resolution,
    )
    return ArraySource(
        spec,
        partial(_read, path, value_range),
        read_sources=None if spec.source is None else partial(_read_sources, path, value_range),
    )


def _read_file(
    path: Path, value_range: ValueRange | None
) -> tuple[TrainingValues, NDArray[np.int64] | None]:
    """Return the samples of a file and their labels (N,).

    Raises:
        InputError: the file cannot be read, or does not hold such arrays.
    """
    arrays = _load(path)
    labels = arrays.pop("labels", None)
    key = _main_key(path, arrays)
    name = f"'{key}' in {path}"
    array = arrays[key]
    if array.ndim == 0:
        raise InputError(f"{name} is a single number; an array was expected.")
    examples = with_companions(Examples(name, array, kind=KINDS_BY_KEY.get(key)), arrays)
    read = training_values(examples, name, value_range=value_range)
    if labels is None:
        return read, None
    # Fewer classes than examples: a larger label is a mistake, and would take up memory.
    count = len(read.values)
    return read, checked_labels(labels, count, str(path), most_classes=count)


def _load(path: Path) -> dict[str, NDArray[Any]]:
    try:
        file = np.load(path, allow_pickle=False)
        if isinstance(file, np.ndarray):
            raise InputError(f"{path} is a single npy array; an npz file was expected.")
        with file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, KeyError, EOFError, NotImplementedError) as error:
        raise InputError(f"{path} cannot be read as npz: {str(error).rstrip('.')}.") from error
    except (zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{path} is damaged: {error}.") from error


def _main_key(path: Path, arrays: dict[str, NDArray[Any]]) -> str:
    """Return the key of the examples among the arrays of a file, its labels left out."""
    named = kind_keys(arrays)
    if len(named) == 1:
        return named[0]
    if len(arrays) == 1:
        return next(iter(arrays))
    listed = ", ".join(arrays) or "no array"
    keys = join_words(f"'{key}'" for key in KINDS_BY_KEY)
    raise InputError(f"{path} holds {listed}; one of {keys} was expected.")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def _read(path: Path, value_range: ValueRange | None, split: str) -> Arrays:
    read, labels = _read_file(path, value_range)
    return rows_of_split(read.values, labels, split)


def _read_sources(path: Path, value_range: ValueRange | None, split: str) -> NDArray[np.uint8]:
    read, _ = _read_file(path, value_range)
    assert read.sources is not None
    return rows_of_split(read.sources, None, split)[0]
