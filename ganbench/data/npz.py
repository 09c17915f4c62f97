# SPDX-License-Identifier: MIT
"""Images or points in an npz file, under the keys ``images`` or ``points``, and ``labels``.

Images are (N, H, W), (N, H, W, C) or (N, C, H, W) with C 1 or 3, as uint8 or as floats in
[-1, 1]; points are floats (N, D); labels are integers (N,) from 0. A file with a single array
beside the labels may call it anything. Nothing is unpickled. Nine tenths are for training, the
last tenth of a fixed permutation is held out.
"""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ganbench.data.array_source import Arrays, ArraySource, held_out, image_spec
from ganbench.data.dataset import Source, to_uint8
from ganbench.errors import ConfigError, InputError, MissingDataError
from ganbench.gan import DataSpec

_RULES = 1
"""Version of how arrays are read and split; raised when a change alters values or splits."""

_TEST_SHARE = 0.1
_SPLIT_SEED = 10


def open_npz(path: Path, resolution: int | None = None) -> Source:
    """Open an npz file; it is read once, to know what is in it.

    Without a resolution images keep their own, or that of their shorter side where they are no
    squares: the largest centered square is kept. The version is a hash of the file.

    Raises:
        MissingDataError: there is no such file.
        InputError: it cannot be read, or does not hold such arrays.
        ConfigError: a resolution for points.
    """
    if not path.exists():
        raise MissingDataError(
            f"There is no file {path}.", "See what is built in: ganbench ls datasets"
        )
    path = path.resolve()
    values, labels = read_npz_arrays(path)
    version = f"{_RULES}-{_digest(path)}"
    classes = 0 if labels is None else int(labels.max()) + 1
    if values.ndim == 4:
        own = min(values.shape[2:])
        spec = image_spec(
            str(path), values.shape[1], own, resolution, version=version, classes=classes
        )
    elif resolution is None:
        spec = DataSpec(str(path), version, values.shape[1:], classes)
    else:
        raise ConfigError(f"{path} holds points, which have no resolution; {resolution} was given.")
    return ArraySource(spec, partial(_read, path))


def read_npz_arrays(path: Path) -> Arrays:
    """Return images (N, C, H, W) uint8 or points (N, D) float32, and labels (N,) or None."""
    arrays = _load(path)
    labels = arrays.pop("labels", None)
    key = _main_key(path, arrays)
    values = arrays[key]
    kind = key if key in {"images", "points"} else "points" if values.ndim == 2 else "images"
    if len(values) < 2:
        raise InputError(f"'{key}' in {path} holds {len(values)} examples; two are the least.")
    values = _points(path, key, values) if kind == "points" else _images(path, key, values)
    return values, None if labels is None else _labels(path, labels, len(values))


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
    named: list[str] = [key for key in ("images", "points") if key in arrays]
    if len(named) == 1:
        key = named[0]
    elif len(arrays) == 1:
        (key,) = arrays
    else:
        listed = ", ".join(arrays) or "no array"
        raise InputError(f"{path} holds {listed}; either 'images' or 'points' was expected.")
    if arrays[key].ndim == 0:
        raise InputError(f"'{key}' in {path} is a single number; an array was expected.")
    return key


def _images(path: Path, key: str, values: NDArray[Any]) -> NDArray[np.uint8]:
    if values.ndim == 3:
        values = values[:, None]
    elif values.ndim == 4 and values.shape[3] in {1, 3}:
        values = values.transpose(0, 3, 1, 2)
    if values.ndim != 4 or values.shape[1] not in {1, 3} or 0 in values.shape:
        raise InputError(
            f"'{key}' in {path} has the shape {values.shape}; images (N, H, W), (N, H, W, C) or "
            "(N, C, H, W) with 1 or 3 channels were expected."
        )
    if values.dtype == np.uint8:
        return values
    if values.dtype.kind != "f":
        raise InputError(
            f"'{key}' in {path} is of type {values.dtype}; "
            "uint8 or floats in [-1, 1] were expected."
        )
    low, high = float(values.min()), float(values.max())
    # Floats that are never negative are pixels in [0, 1], and would come out washed to grey.
    if not (-1 <= low < 0 and high <= 1):
        raise InputError(
            f"'{key}' in {path} has values from {low:g} to {high:g}; floats in [-1, 1] or uint8 "
            "were expected.",
            "For pixels in [0, 1], save (255 * images).round().astype('uint8').",
        )
    return to_uint8(torch.from_numpy(values.astype(np.float32))).numpy()


def _points(path: Path, key: str, values: NDArray[Any]) -> NDArray[np.float32]:
    if values.ndim != 2 or values.dtype.kind != "f" or values.shape[1] == 0:
        raise InputError(
            f"'{key}' in {path} is {values.dtype} {values.shape}; points as floats (N, D) were "
            "expected."
        )
    points = values.astype(np.float32)
    if not np.isfinite(points).all():
        raise InputError(f"'{key}' in {path} has values that are not finite.")
    return points


def _labels(path: Path, labels: NDArray[Any], count: int) -> NDArray[np.int64]:
    if labels.shape != (count,) or labels.dtype.kind not in "iu":
        raise InputError(
            f"'labels' in {path} is {labels.dtype} {labels.shape}; "
            f"integers ({count},) were expected."
        )
    if labels.min() < 0 or labels.max() >= count:
        raise InputError(
            f"'labels' in {path} goes from {labels.min()} to {labels.max()}; classes counted from "
            f"0, fewer than the {count} examples, were expected."
        )
    return labels.astype(np.int64)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def _read(path: Path, split: str) -> Arrays:
    values, labels = read_npz_arrays(path)
    chosen = held_out(len(values), split, _TEST_SHARE, _SPLIT_SEED)
    return values[chosen], None if labels is None else labels[chosen]
