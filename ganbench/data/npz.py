# SPDX-License-Identifier: MIT
"""Samples in an npz file, under a key that names their kind, and ``labels``, or in an npy file.

``images`` are (N, H, W), (N, H, W, C) or (N, C, H, W) with C 1 or 3, as uint8 or as floats in
[-1, 1] or a stated range; next to them may be ``sources``, the other image of each pair, of the
same height and width. ``points`` are floats (N, D). ``sequences`` are signals, floats
(N, C, L) or (N, L) in [-1, 1] or a stated range, with an optional ``rate`` in steps a second, or
tokens, integers (N, L) from 0, with an optional ``alphabet`` that holds the text of each.
``videos`` are (N, T, H, W), (N, T, H, W, C) or (N, C, T, H, W), typed as images are. Labels are
integers (N,) from 0. ``arr_0``, and a single array of any name, are read as images, points or
videos by their shape; ``arr_1`` next to ``arr_0`` may be the labels. Nothing is unpickled. Nine
tenths are for training, and the last tenth of a fixed permutation is held out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any
from zipfile import ZipInfo

import numpy as np
from numpy.typing import NDArray

from ganbench.data.array_rows import (
    MemberRows,
    RowReader,
    npy_rows,
    npz_members,
    read_whole,
    refuse_objects,
)
from ganbench.data.array_source import Arrays, ArraySource, array_spec, rows_of_split
from ganbench.data.dataset import Source
from ganbench.data.dataset_names import name_with_range
from ganbench.data.in_memory import GATHERED_BYTES, Examples
from ganbench.data.named_arrays import KINDS_BY_KEY, samples_keys, with_companions
from ganbench.data.training_values import TrainingValues, training_values
from ganbench.data.value_layout import checked_labels
from ganbench.data.value_range import ValueRange
from ganbench.errors import InputError, MissingDataError

_RULES = 1
"""Version of how arrays are read and split; raised when a change alters values or splits."""


def open_array_file(
    path: Path, resolution: int | None = None, value_range: ValueRange | None = None
) -> Source:
    """Open an npz or npy file; it is read once, to know what is in it.

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
    if not path.is_file():
        raise InputError(f"{path} is no file of arrays.")
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


def npz_labels(
    path: Path, members: Mapping[str, ZipInfo], rows: RowReader, label_key: str
) -> NDArray[Any] | None:
    """Return the labels (N,) of the samples in an npz file, not yet checked, or None.

    Raises:
        InputError: ``labels`` are not one for each sample; an ``arr_1`` of another shape is
            something else.
    """
    if label_key not in members or not rows.shape:
        return None
    labels = MemberRows(path, label_key, members[label_key])
    if labels.shape == rows.shape[:1]:
        return labels.whole()
    if label_key != "labels":
        return None
    raise InputError(
        f"'labels' in {path} has the shape {labels.shape}; integers {rows.shape[:1]}, one for each "
        "sample, were expected."
    )


def _read_file(
    path: Path, value_range: ValueRange | None
) -> tuple[TrainingValues, NDArray[np.int64] | None]:
    """Return the samples of a file and their labels (N,).

    Raises:
        InputError: the file cannot be read, or does not hold such arrays.
    """
    labels = None
    if path.suffix.lower() == ".npy":
        name = str(path)
        examples = Examples(name, _whole(npy_rows(path), name))
    else:
        members = npz_members(path)
        refuse_objects(path, members)
        key, label_key = samples_keys(members, str(path))
        name = f"'{key}' in {path}"
        rows = MemberRows(path, key, members[key])
        labels = npz_labels(path, members, rows, label_key)
        examples = Examples(name, _whole(rows, name), kind=KINDS_BY_KEY.get(key))
        examples = with_companions(examples, _companions(path, members, key))
    read = training_values(examples, name, value_range=value_range)
    if labels is None:
        return read, None
    # Fewer classes than examples: a larger label is a mistake, and would take up memory.
    count = len(read.values)
    return read, checked_labels(labels, count, str(path), most_classes=count)


def _whole(rows: RowReader, name: str) -> NDArray[Any]:
    """Return all rows (N, ...) in memory."""
    if not rows.shape:
        raise InputError(f"{name} is a single number; an array was expected.")
    return read_whole(rows, name, most_bytes=GATHERED_BYTES)


def _companions(path: Path, members: Mapping[str, ZipInfo], key: str) -> dict[str, NDArray[Any]]:
    """Return the arrays that stand next to the samples of a key, without their labels."""
    companions = ("sources", "alphabet", "rate") if key == "sequences" else ("sources",)
    return {
        companion: MemberRows(
            path, companion, members[companion], texts=companion == "alphabet"
        ).whole()
        for companion in companions
        if companion in members
    }


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
