# SPDX-License-Identifier: MIT
"""Arrays that may be larger than memory, read block by block."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ganbench.evaluation.math.arrays import Array, Features

_BLOCK = 2048
"""Rows that are read at once: 16 MiB of 2,048 float32 features."""


def blocks(count: int, size: int = _BLOCK) -> Iterator[slice]:
    """Yield slices of at most ``size`` rows that cover ``count`` rows in order."""
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


def mean_of(features: Features) -> Array:
    """Return the mean (d,) of features (N, d), summed in float64."""
    total = np.zeros(features.shape[1])
    for rows in blocks(len(features)):
        total += features[rows].sum(axis=0, dtype=np.float64)
    return total / len(features)


def unit_rows(features: Features) -> Array:
    """Return features (N, d) scaled to length 1, as float64; a row of zeros stays as it is."""
    values = np.asarray(features, dtype=np.float64)
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    directions: Array = values / np.maximum(lengths, np.finfo(np.float64).tiny)
    return directions
