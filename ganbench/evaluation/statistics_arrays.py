# SPDX-License-Identifier: MIT
"""The arrays of a file of statistics: found by their names, read without pickles, and checked."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dpotrf

from ganbench.errors import InputError, MissingDataError
from ganbench.evaluation.math.arrays import Array, Features
from ganbench.evaluation.math.moments import Moments

MOMENT_KEYS = (("mu", "sigma"), ("mean", "cov"), ("mean", "covariance"), ("m", "s"))
"""The names of the mean and the covariance in the files of different tools."""
FEATURE_KEYS = ("feats", "real_feats")
"""The names of features of every image: clean-fid's for KID, and StudioGAN's."""
LARGEST = float(np.finfo(np.float32).max) ** 0.5
"""Means beyond it, and covariances beyond its square, are of no features: no float32 holds them."""
LEAST_ROWS = 2
"""Features of fewer images have no covariance."""

_ROUNDING = 1e-6
"""Share of the trace up to which what is below zero may be a rounding error of float32."""

StoredArrays = Mapping[str, NDArray[Any]]


def moment_keys(names: Collection[str]) -> list[tuple[str, str]]:
    """Return the pairs of names under which a file has a mean and a covariance.

    >>> moment_keys(["arr_0", "mu", "sigma"]), moment_keys(["s", "m"]), moment_keys(["mean"])
    ([('mu', 'sigma')], [('m', 's')], [])
    """
    return [keys for keys in MOMENT_KEYS if set(keys) <= set(names)]


def load_arrays(path: Path, wanted: Collection[str]) -> dict[str, NDArray[Any]]:
    """Read those arrays of an npz file that are wanted, and no others.

    Raises:
        MissingDataError: There is no such file.
        InputError: The file is damaged, or holds pickled objects.
    """
    if not path.exists():
        raise MissingDataError(f"There is no file {path}.")
    try:
        file = np.load(path, allow_pickle=False)
        if isinstance(file, np.ndarray):
            raise InputError(f"{path} is a single npy array; an npz file was expected.")
        with file:
            arrays = {name: file[name] for name in file.files if name in wanted}
    except (OSError, ValueError, KeyError, EOFError, NotImplementedError, MemoryError) as error:
        raise InputError(f"{path} cannot be read as npz: {str(error).rstrip('.')}.") from error
    except (zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{path} is damaged: {error}.") from error
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray):  # numpy returns a member that is no array as bytes
            raise InputError(f"'{name}' in {path} is not an array.")
    return arrays


def read_count(path: Path, arrays: StoredArrays, key: str = "n") -> int:
    """Return the number of samples that a file states, 0 where it states none.

    Raises:
        InputError: It is no number of samples.
    """
    if key not in arrays:
        return 0
    array = arrays[key]
    count = array.item() if array.size == 1 and array.dtype.kind in "iuf" else None
    # ganbench once wrote 0 where the number was not known.
    least = 0 if "ganbench" in arrays else 1
    if count is None or count != count // 1 or not least <= count < 2**63:
        stated = array.shape if count is None else f"{count:g}"
        raise InputError(f"'{key}' in {path} is {stated}; a number of samples was expected.")
    return int(count)


def read_moments(path: Path, arrays: StoredArrays, keys: tuple[str, str], count: int) -> Moments:
    """Return the mean (d,), which may be (1, d) in the file, and covariance (d, d) as float64.

    Raises:
        InputError: They do not fit together, or are no mean and covariance of any features.
    """
    mean, covariance = (arrays[key] for key in keys)
    if mean.ndim == 2 and len(mean) == 1:
        mean = mean[0]
    size, names = mean.size, " and ".join(f"'{key}'" for key in keys)
    if mean.ndim != 1 or covariance.shape != (size, size) or not size:
        raise InputError(
            f"{names} in {path} are {arrays[keys[0]].shape} and {covariance.shape}; "
            "(d,) and (d, d) were expected."
        )
    if {mean.dtype.kind, covariance.dtype.kind} != {"f"}:
        raise InputError(f"{names} in {path} are not floating-point numbers.")
    moments = Moments(count, mean.astype(np.float64), covariance.astype(np.float64))
    if cause := _impossible(moments, *keys):
        raise InputError(f"{path} holds no statistics of features: {cause}.")
    return moments


def check_rows(path: Path, arrays: StoredArrays, count: int, size: int) -> None:
    """Raise InputError unless the arrays with a row for each sample fit the moments.

    Args:
        path: The file.
        arrays: The arrays of a file that ganbench wrote.
        count: The number of samples.
        size: The number of features.
    """
    expected = {
        "probe": (None, size),
        "features": (count, size),
        "probabilities": (count, None),
        "half": (count,),
    }
    for name, shape in expected.items():
        array = arrays.get(name)
        if array is None:
            continue
        rank = {2, 3} if name == "probabilities" else {len(shape)}
        fits = array.ndim in rank and all(
            length in {None, actual} for length, actual in zip(shape, array.shape, strict=False)
        )
        if not fits or array.dtype.kind != ("b" if name == "half" else "f"):
            raise InputError(
                f"{path} is damaged: '{name}' is {array.dtype} {array.shape}, which does not fit "
                f"{count} samples of {size} features."
            )


def read_features(path: Path, arrays: StoredArrays) -> Features | None:
    """Return the features (N, d) of another tool's file, or None where it has none.

    Raises:
        InputError: They are no features.
    """
    key = next((key for key in FEATURE_KEYS if key in arrays), None)
    if key is None:
        return None
    features = arrays[key]
    if features.ndim != 2 or features.dtype.kind != "f" or not features.size:
        raise InputError(
            f"The features in {path} are {features.dtype} {features.shape}; "
            "floats (N, d) were expected."
        )
    if len(features) < LEAST_ROWS:
        raise InputError(
            f"{path} holds the features of one image; those of at least {LEAST_ROWS} were expected."
        )
    if not (np.abs(features) <= LARGEST).all():
        raise InputError(f"'{key}' in {path} holds values that are NaN, infinite, or absurd.")
    return features


def _impossible(moments: Moments, mean: str, covariance: str) -> str:
    """Return why these are no mean and covariance, as the clause of a sentence; or nothing."""
    values: Array = moments.covariance
    if not (np.isfinite(moments.mean).all() and np.isfinite(values).all()):
        return f"'{mean}' or '{covariance}' has values that are NaN or infinite"
    for name, array, largest in (
        (mean, moments.mean, LARGEST),
        (covariance, values, LARGEST**2),
    ):
        if (most := float(np.abs(array).max())) > largest:
            return f"'{name}' has a value of {most:.3g}"
    variances = values.diagonal()
    rounding = _ROUNDING * float(np.abs(variances).sum())
    if variances.min() < -rounding:
        return f"a variance in '{covariance}' is {variances.min():.3g}, which is negative"
    if not np.allclose(values, values.T, rtol=1e-4, atol=1e-6 * float(variances.max())):
        return f"'{covariance}' is not symmetric"
    # It has a Cholesky factor, once rounding errors are lifted, unless an eigenvalue is negative.
    lifted = values + rounding * np.eye(len(values))
    if values.any() and dpotrf(lifted.T, lower=1, overwrite_a=1)[1]:
        return f"'{covariance}' is not positive semidefinite, as every covariance is"
    return ""
