# SPDX-License-Identifier: MIT
"""Rows of features for every sample, in memory or, where they are many, in a temporary file."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganbench.evaluation.math.arrays import Features
from ganbench.records.atomic_files import storage_errors

IN_MEMORY_BYTES = 1 << 30
"""How much memory the features of one set may take; beyond that they go to disk."""


class FeatureRows:
    """An array (count, ...), typed as its first rows, filled by rows and perhaps not to its end."""

    def __init__(self, count: int, *, in_memory_bytes: int) -> None:
        self._count = count
        self._in_memory_bytes = in_memory_bytes
        self._values: Features | None = None
        self._filled = 0

    def add(self, rows: NDArray[Any]) -> None:
        """Append rows (B, ...).

        Raises:
            StorageError: The temporary file cannot be written.
        """
        if self._values is None:
            self._values = self._allocate(rows.shape[1:], rows.dtype)
        self._values[self._filled : self._filled + len(rows)] = rows
        self._filled += len(rows)

    def filled(self) -> Features | None:
        """Return the rows added so far, None without any.

        They may be a memory map, whose file is deleted together with it.
        """
        return None if self._values is None else self._values[: self._filled]

    def _allocate(self, row_shape: tuple[int, ...], dtype: np.dtype[Any]) -> Features:
        shape = (self._count, *row_shape)
        size = int(np.prod(shape)) * dtype.itemsize
        if size <= self._in_memory_bytes:
            return np.empty(shape, dtype)
        with storage_errors(Path(tempfile.gettempdir())):
            file = tempfile.TemporaryFile(prefix="ganbench-features-")  # noqa: SIM115 - the map's
            file.truncate(size)
            return np.memmap(file, dtype, "r+", shape=shape)
