# SPDX-License-Identifier: MIT
"""Rows of features for every sample: in memory while they are few, in a temporary file beyond."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganbench.records.atomic_files import storage_errors

IN_MEMORY_BYTES = 1 << 30
"""What the features of one set may take in memory; beyond, they are spilled to disk."""


class FeatureRows:
    """An array (count, ...) float32 that is filled row by row, perhaps not to its end."""

    def __init__(self, count: int, *, in_memory_bytes: int = IN_MEMORY_BYTES) -> None:
        self._count = count
        self._bound = in_memory_bytes
        self._values: NDArray[np.float32] | None = None
        self._filled = 0

    def add(self, rows: NDArray[Any]) -> None:
        """Append rows (B, ...).

        Raises:
            StorageError: the temporary file cannot be written.
        """
        if self._values is None:
            self._values = self._room(rows.shape[1:])
        self._values[self._filled : self._filled + len(rows)] = rows
        self._filled += len(rows)

    def filled(self) -> NDArray[np.float32] | None:
        """Return what was added, perhaps as a memory map whose file goes when it does."""
        return None if self._values is None else self._values[: self._filled]

    def _room(self, shape: tuple[int, ...]) -> NDArray[np.float32]:
        whole = (self._count, *shape)
        size = int(np.prod(whole)) * 4
        if size <= self._bound:
            return np.empty(whole, np.float32)
        with storage_errors(Path(tempfile.gettempdir())):
            file = tempfile.TemporaryFile(prefix="ganbench-features-")  # noqa: SIM115 - the map's
            file.truncate(size)
            return np.memmap(file, np.float32, "r+", shape=whole)
