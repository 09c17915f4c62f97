# SPDX-License-Identifier: MIT
"""Statistics of a set of images in a file: ganbench's own cache, and the files of other tools.

Every file is an npz with ``mu`` (d,) and ``sigma`` (d, d), ddof 1, which pytorch-fid and clean-fid
can read. ganbench adds ``n`` and the arrays that intervals and floors need. Of other tools' files,
ganbench reads ``mu`` and ``sigma`` (pytorch-fid, clean-fid, StudioGAN, and ADM, which has them next
to its samples in ``arr_0``), or features under ``feats`` (clean-fid, for KID) or ``real_feats``
(StudioGAN). Pickles are refused.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganbench import paths
from ganbench.errors import InputError, MissingDataError
from ganbench.evaluation.evidence import Evidence, of_features
from ganbench.evaluation.math.moments import Moments
from ganbench.evaluation.metric import ROW_NEEDS
from ganbench.records.atomic_files import replacing
from ganbench.samples.sample_set import Facts

CACHE_VERSION = 1
"""Raised when the cached arrays, or how they are computed, change."""

_KEPT_ROWS = ((), ("features",), ("probabilities",), ("features", "probabilities"))
"""The arrays that a cached file may hold next to the moments, the smallest file first."""
_PARTS = ("probe", "features", "probabilities", "half")
"""Fields of ``Evidence`` that are stored under their own names."""


@dataclass(frozen=True)
class ReferenceStatistics:
    """Statistics in a file, of images that are not here; the network is taken on trust."""

    facts: Facts
    evidence: Evidence


def is_statistics(path: Path) -> bool:
    """Tell whether a path is an npz file with moments or features in it, not only images."""
    if path.suffix != ".npz" or not path.is_file():
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            names = {name.removesuffix(".npy") for name in archive.namelist()}
    except (zipfile.BadZipFile, OSError):
        return False
    return {"mu", "sigma"} <= names or bool({"feats", "real_feats"} & names)


def read_statistics(path: Path) -> ReferenceStatistics:
    """Read the statistics in an npz file.

    Raises:
        MissingDataError: There is no such file.
        InputError: The file is damaged, or holds pickled objects or arrays that do not fit
            together.
    """
    arrays = _load(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    facts = Facts(path.stem, digest, "images", split="statistics")
    features = next((arrays[key] for key in ("feats", "real_feats") if key in arrays), None)
    if features is not None:
        if features.ndim != 2 or features.dtype.kind != "f" or not len(features):
            raise InputError(
                f"The features in {path} are {features.dtype} {features.shape}; "
                "floats (N, d) were expected."
            )
        return ReferenceStatistics(facts, of_features(features))
    if "mu" not in arrays or "sigma" not in arrays:
        raise InputError(
            f"{path} holds {', '.join(sorted(arrays)) or 'no array'}; 'mu' and 'sigma' were "
            "expected."
        )
    moments = _moments(path, arrays["mu"], arrays["sigma"], int(arrays.get("n", 0)))
    evidence = Evidence(moments.count, moments=moments)
    if arrays.get("ganbench", 0) == CACHE_VERSION:
        evidence = replace(
            evidence,
            probe=arrays.get("probe"),
            features=arrays.get("features"),
            probabilities=arrays.get("probabilities"),
            half=arrays.get("half"),
            half_moments=_half_moments(path, arrays),
        )
    return ReferenceStatistics(facts, evidence)


def write_statistics(path: Path, evidence: Evidence) -> None:
    """Write statistics that ganbench, pytorch-fid, and clean-fid can read.

    Raises:
        InputError: There are no moments to write.
        StorageError: The file cannot be written.
    """
    if evidence.moments is None:
        raise InputError("There are no moments to write.", "Measure fid, too.")
    whole = evidence.moments
    arrays: dict[str, Any] = {
        "mu": whole.mean,
        "sigma": whole.covariance,
        "n": whole.count,
        "ganbench": CACHE_VERSION,
    }
    arrays |= {part: getattr(evidence, part) for part in _PARTS}
    if evidence.half_moments is not None:
        for index, half in enumerate(evidence.half_moments):
            arrays |= {
                f"n_half{index}": half.count,
                f"mu_half{index}": half.mean,
                f"sigma_half{index}": half.covariance,
            }
    present = {name: array for name, array in arrays.items() if array is not None}
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **present)


def is_own_statistics(path: Path) -> bool:
    """Tell whether a file holds statistics that ``write_statistics`` wrote."""
    try:
        with zipfile.ZipFile(path) as archive:
            return "ganbench.npy" in archive.namelist()
    except (OSError, ValueError, zipfile.BadZipFile):
        return False


def cache_files(facts: Facts, network: str, needs: Collection[str]) -> list[Path]:
    """Return the files in which statistics that answer ``needs`` may be cached, smallest first.

    A file's name depends on the content of the set, on the protocol of the network with its
    precision, and on the arrays kept next to the moments.

    Args:
        facts: The facts of the set; there are no files for a set whose content is not known.
        network: The text of ``network_protocol``.
        needs: The needs of all metrics of that network.
    """
    if not facts.version:
        return []
    stem = "".join(c if c.isalnum() or c in "-_." else "-" for c in facts.name)[:60]
    files = []
    for rows in _KEPT_ROWS:
        if set(needs) & set(ROW_NEEDS) <= set(rows):
            key = json.dumps(
                [CACHE_VERSION, facts.name, facts.version, facts.split, facts.shape, network, rows]
            )
            digest = hashlib.sha256(key.encode()).hexdigest()[:16]
            files.append(paths.cache() / "statistics" / f"{stem}-{facts.split}-{digest}.npz")
    return files


def read_cached(path: Path) -> Evidence | None:
    """Return evidence from the cache, or None if the file is not there or not whole."""
    if not path.is_file():
        return None
    try:
        return read_statistics(path).evidence
    except InputError:
        return None  # cut short by a crash or a full disk: it is computed again


def _load(path: Path) -> dict[str, NDArray[Any]]:
    """Read the arrays that are of use, and no others."""
    if not path.exists():
        raise MissingDataError(f"There is no file {path}.")
    wanted = {"mu", "sigma", "n", "ganbench", "feats", "real_feats", *_PARTS}
    wanted |= {f"{name}_half{index}" for name in ("n", "mu", "sigma") for index in (0, 1)}
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


def _moments(path: Path, mean: NDArray[Any], covariance: NDArray[Any], count: int) -> Moments:
    size = mean.size
    if mean.ndim != 1 or covariance.shape != (size, size) or not size:
        raise InputError(
            f"'mu' and 'sigma' in {path} are {mean.shape} and {covariance.shape}; "
            "(d,) and (d, d) were expected."
        )
    if {mean.dtype.kind, covariance.dtype.kind} != {"f"}:
        raise InputError(f"'mu' and 'sigma' in {path} are not floating-point numbers.")
    if not (np.isfinite(mean).all() and np.isfinite(covariance).all()):
        raise InputError(f"'mu' or 'sigma' in {path} holds values that are NaN or infinite.")
    if not np.allclose(covariance, covariance.T, rtol=1e-4, atol=1e-8):
        raise InputError(f"'sigma' in {path} is not symmetric, so it is not a covariance.")
    return Moments(count, mean.astype(np.float64), covariance.astype(np.float64))


def _half_moments(path: Path, arrays: dict[str, NDArray[Any]]) -> tuple[Moments, Moments] | None:
    if "mu_half0" not in arrays:
        return None
    first, second = (
        _moments(
            path,
            arrays[f"mu_half{index}"],
            arrays[f"sigma_half{index}"],
            int(arrays[f"n_half{index}"]),
        )
        for index in (0, 1)
    )
    return first, second
