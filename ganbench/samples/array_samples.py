# SPDX-License-Identifier: MIT
"""Samples that are the rows of an array: a tensor, an npy or npz file, points in a text file.

``ganbench.data.named_arrays`` says which array of an npz file holds the samples. Other arrays next
to them are ignored.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterator
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ganbench.data.array_rows import (
    ROW_BYTES,
    MemberRows,
    RowReader,
    npz_members,
    refuse_objects,
)
from ganbench.data.named_arrays import samples_keys
from ganbench.data.npz import npz_labels
from ganbench.data.value_layout import (
    as_tensor,
    channels_to_front,
    check_type,
    layout_of,
    sample_kind,
    sample_shape,
)
from ganbench.data.value_range import OVERSHOOT, ValueRange, check_range
from ganbench.errors import InputError
from ganbench.samples.image_samples import CHUNK_BYTES
from ganbench.samples.sample_set import CHUNK, Chunk, Facts, Samples, to_samples

WATCHED = 64
"""Samples by which it is judged whether floats are images in [-1, 1]."""
_RULES = 1
"""Version of how arrays become samples; raised when a change alters them."""


class ArraySamples(Samples):
    """Rows as samples.

    ``facts.version`` is a hash of the samples. It is made when ``facts`` is first read, in a pass
    of its own, unless the samples have been read to their end before.

    Args:
        rows: The rows (N, ...) of the array.
        name: The array's name in errors.
        short: The array's name in a protocol.
        chosen: The rising indices (n,) of the rows that are samples, None for all of them.
        labels: The classes (N,) of all rows, or None.
        channels_first: Whether (N, C, H, W) is preferred where both layouts are possible.
        value_range: The values of black and white in floating-point images, None for [-1, 1].

    Raises:
        InputError: rows that are neither images nor points, of another type, or whose first
            images are not in their range.
    """

    def __init__(
        self,
        rows: RowReader,
        *,
        name: str,
        short: str,
        chosen: NDArray[np.int64] | None = None,
        labels: NDArray[np.int64] | None = None,
        channels_first: bool = False,
        value_range: ValueRange | None = None,
    ) -> None:
        self._rows = rows
        self._name = name
        self._short = short
        self._value_range = value_range
        self._layout = layout_of(rows.shape, name, channels_first=channels_first)
        self.kind = sample_kind(self._layout)
        check_type(rows.dtype, self.kind, name)
        self._shape = sample_shape(rows.shape, self._layout)
        if (row_bytes := prod(self._shape) * rows.dtype.itemsize) > ROW_BYTES:
            raise InputError(
                f"Each of the {self.kind} in {name} has {row_bytes:,} bytes; at most "
                f"{ROW_BYTES:,} were expected."
            )
        self._chosen = np.arange(rows.shape[0]) if chosen is None else chosen
        self._classes = 0 if labels is None else int(labels.max()) + 1
        self.labels = None if labels is None else labels[self._chosen]
        self.skipped = {}
        self._digest = ""
        self.takes_range = self.kind == "images" and rows.dtype != np.uint8
        if self.takes_range:
            with rows.opened() as take:
                first = self._values(take(self._chosen[:WATCHED]))
            part = f" in its first {len(first)} images"
            check_range(first, name, value_range, overshoot=OVERSHOOT, part=part)

    def __len__(self) -> int:
        return len(self._chosen)

    @cached_property
    def facts(self) -> Facts:  # type: ignore[override] # made when first read, then kept
        """The name, kind, shape and hash of the samples."""
        if not self._digest:
            for _ in self.chunks():
                pass
        return Facts(
            self._short,
            f"{_RULES}-{self._digest}",
            self.kind,
            shape=self._shape,
            classes=self._classes,
        )

    def chunks(self, size: int = CHUNK) -> Iterator[Chunk]:
        """Yield rows; fewer than ``size`` where they would be more than ``CHUNK_BYTES``.

        Raises:
            InputError: the file is damaged, or values are NaN, infinite, or not in the range
                that the user stated.
        """
        size = max(1, min(size, CHUNK_BYTES // prod(self._shape)))
        digest = hashlib.sha256(repr((self.kind, len(self), self._shape)).encode())
        with self._rows.opened() as take:
            for start in range(0, len(self), size):
                chosen = self._chosen[start : start + size]
                rows = self._values(take(chosen))
                if self.kind == "images" and self._value_range is not None:
                    check_range(rows, self._name, self._value_range)
                values = to_samples(rows, self.kind, self._value_range).contiguous()
                digest.update(values.numpy().data)
                yield Chunk(values, np.arange(start, start + len(values)))
        self._digest = digest.hexdigest()[:16]

    def _values(self, rows: NDArray[Any]) -> torch.Tensor:
        values = as_tensor(rows, self._name, keep_float64=self.kind == "points")
        return channels_to_front(values, self._layout)


def npz_arrays(path: Path) -> tuple[RowReader, str, NDArray[Any] | None]:
    """Return the rows of an npz file, their key, and its labels (N,) or None.

    Raises:
        InputError: the file is damaged, or it is unclear which array holds the samples.
    """
    members = npz_members(path)
    refuse_objects(path, members)
    refuse_unmeasured(members, str(path))
    key, label_key = samples_keys(members, str(path))
    rows = MemberRows(path, key, members[key])
    return rows, key, npz_labels(path, members, rows, label_key)


def refuse_unmeasured(keys: Container[object], name: str) -> None:
    """Raise InputError where a key says that samples are of a kind that no metric measures."""
    for key in ("sequences", "videos"):
        if key in keys:
            raise InputError(f"{name} holds {key}; metrics measure images and points.")
