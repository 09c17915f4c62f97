# SPDX-License-Identifier: MIT
"""Images or points in an npz file, under the keys ``images`` or ``points``, and ``labels``.

Images are (N, H, W), (N, H, W, C) or (N, C, H, W) with C 1 or 3, as uint8 or as floats in
[-1, 1] or a stated range; points are floats (N, D); labels are integers (N,) from 0. A file with
a single array next to the labels may call it anything. Nothing is unpickled. Nine tenths are for
training, and the last tenth of a fixed permutation is held out.
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

from ganbench.data.array_source import Arrays, ArraySource, array_spec, rows_of_split
from ganbench.data.dataset import Source
from ganbench.data.dataset_names import name_with_range
from ganbench.data.training_values import training_values
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
        ConfigError: a resolution for points.
    """
    if not path.exists():
        raise MissingDataError(
            f"There is no file {path}.", "See what is built in: ganbench ls datasets"
        )
    path = path.resolve()
    values, labels = read_npz_arrays(path, value_range)
    spec = array_spec(
        name_with_range(str(path), value_range),
        values,
        None if labels is None else labels.astype(np.int64),
        version=f"{_RULES}-{_digest(path)}",
        resolution=resolution,
    )
    return ArraySource(spec, partial(_read, path, value_range))


def read_npz_arrays(path: Path, value_range: ValueRange | None = None) -> Arrays:
    """Return images (N, C, H, W) uint8 or points (N, D) float32, and labels (N,) or None.

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
    if key in {"images", "points"} and (array.ndim == 2) != (key == "points"):
        shapes = "points (N, D)" if key == "points" else "images (N, H, W) or with channels"
        raise InputError(f"{name} has the shape {array.shape}; {shapes} were expected.")
    values = training_values(array, name, value_range=value_range)
    if labels is None:
        return values, None
    # Fewer classes than examples: a larger label is a mistake, and would take up memory.
    return values, checked_labels(labels, len(values), str(path), most_classes=len(values))


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
    named: list[str] = [key for key in ("images", "points") if key in arrays]
    if len(named) == 1:
        return named[0]
    if len(arrays) == 1:
        return next(iter(arrays))
    listed = ", ".join(arrays) or "no array"
    raise InputError(f"{path} holds {listed}; either 'images' or 'points' was expected.")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def _read(path: Path, value_range: ValueRange | None, split: str) -> Arrays:
    values, labels = read_npz_arrays(path, value_range)
    return rows_of_split(values, labels, split)
