# SPDX-License-Identifier: MIT
"""Statistics of a set of images in a file: ganbench's own cache, and the files of other tools.

Every file is an npz with ``mu`` (d,) and ``sigma`` (d, d), ddof 1, which pytorch-fid and clean-fid
can read. ganbench adds ``n`` and the arrays that intervals and floors need. Of other tools' files,
ganbench reads ``mu`` and ``sigma`` (pytorch-fid, clean-fid, StudioGAN, and ADM, which has them next
to its samples in ``arr_0``), ``mean`` and ``cov``, or ``m`` and ``s``; or features under ``feats``
(clean-fid, for KID) or ``real_feats`` (StudioGAN). Pickles are refused, and so is what cannot be
the mean and covariance of any features.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ganbench import paths
from ganbench.errors import InputError
from ganbench.evaluation.evidence import Evidence, of_features
from ganbench.evaluation.metric import ROW_NEEDS
from ganbench.evaluation.statistics_arrays import (
    FEATURE_KEYS,
    MOMENT_KEYS,
    check_rows,
    load_arrays,
    moment_keys,
    read_count,
    read_features,
    read_moments,
)
from ganbench.records.atomic_files import replacing
from ganbench.samples.sample_set import Facts

CACHE_VERSION = 1
"""Raised when the cached arrays, or how they are computed, change."""

_KEPT_ROWS = ((), ("features",), ("probabilities",), ("features", "probabilities"))
"""The arrays that a cached file may hold next to the moments, the smallest file first."""
_PARTS = ("probe", "features", "probabilities", "half")
"""Fields of ``Evidence`` that are stored under their own names."""
_WANTED = {
    *(key for keys in MOMENT_KEYS for key in keys),
    *FEATURE_KEYS,
    *_PARTS,
    "n",
    "ganbench",
}


@dataclass(frozen=True)
class ReferenceStatistics:
    """Statistics in a file, of images that are not here; the network is taken on trust."""

    facts: Facts
    evidence: Evidence


def statistics_of_points(statistics: ReferenceStatistics) -> ReferenceStatistics:
    """Return statistics as those of points, which are their own features: a file does not say."""
    assert statistics.evidence.moments is not None
    shape = statistics.evidence.moments.mean.shape
    return replace(statistics, facts=replace(statistics.facts, kind="points", shape=shape))


def is_statistics(path: Path) -> bool:
    """Tell whether a path is an npz file with moments or features in it, not only images."""
    if path.suffix != ".npz" or not path.is_file():
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            names = {name.removesuffix(".npy") for name in archive.namelist()}
    except (zipfile.BadZipFile, OSError):
        return False
    return bool(moment_keys(names)) or not names.isdisjoint(FEATURE_KEYS)


def read_statistics(path: Path) -> ReferenceStatistics:
    """Read the statistics in an npz file.

    Raises:
        MissingDataError: There is no such file.
        InputError: The file is damaged, or holds pickled objects or arrays that do not fit
            together.
    """
    arrays = load_arrays(path, _WANTED)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    facts = Facts(path.stem, digest, "images", split="statistics")
    features = read_features(path, arrays)
    if features is not None:
        return ReferenceStatistics(facts, of_features(features))
    pairs = moment_keys(arrays)
    if len(pairs) > 1:
        listed = ", ".join(f"'{mean}' with '{covariance}'" for mean, covariance in pairs)
        raise InputError(
            f"{path} holds more than one mean with its covariance: {listed}.",
            "Keep the pair that is meant in a file of its own.",
        )
    if not pairs:
        raise InputError(
            f"{path} holds {', '.join(sorted(arrays)) or 'no array'}; 'mu' and 'sigma' were "
            "expected."
        )
    moments = read_moments(path, arrays, pairs[0], read_count(path, arrays))
    evidence = Evidence(moments.count, moments=moments)
    if arrays.get("ganbench", np.array(0)).tolist() == CACHE_VERSION:
        check_rows(path, arrays, moments.count, len(moments.mean))
        evidence = replace(
            evidence,
            probe=arrays.get("probe"),
            features=arrays.get("features"),
            probabilities=arrays.get("probabilities"),
            half=arrays.get("half"),
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
        "ganbench": CACHE_VERSION,
        "n": whole.count or None,
    }
    arrays |= {part: getattr(evidence, part) for part in _PARTS}
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
        facts: The facts of the set; there are no files for a set whose content is not pinned.
        network: The text of ``network_protocol``.
        needs: The needs of all metrics of that network.
    """
    if not facts.version or facts.drawn:
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
