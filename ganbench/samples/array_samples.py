# SPDX-License-Identifier: MIT
"""Samples that are the rows of an array: a tensor, an npy or npz file, points in a text file.

An npz file holds images under ``images`` or ``arr_0``, or points under ``points``, or a single
array of any name; labels under ``labels``, or ``arr_1`` beside ``arr_0``. Other arrays beside
these are passed over.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ganbench.errors import InputError
from ganbench.samples.array_rows import ROW_BYTES, MemberRows, RowReader, npz_members
from ganbench.samples.image_samples import CHUNK_BYTES
from ganbench.samples.sample_set import CHUNK, Chunk, Facts, Samples
from ganbench.samples.value_layout import (
    WATCHED,
    channels_to_front,
    check_range,
    check_type,
    layout_of,
    rows_at_once,
    sample_kind,
    sample_shape,
    to_samples,
)

_RULES = 1
"""Version of how arrays become samples; raised when a change alters them."""
_MOST_CLASSES = 100_000


class ArraySamples(Samples):
    """Rows as samples; ``chosen`` (n,), rising, are the indices of those that are.

    ``name`` is what errors call the array; ``short`` names it in a protocol. ``facts.version``
    is a hash of the samples; it is made when ``facts`` is first read, in a pass of its own,
    unless the samples have been read to their end before.

    Raises:
        InputError: rows that are neither images nor points, of another type, or whose first
            images have values that are not in [-1, 1].
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
    ) -> None:
        self._rows = rows
        self._name = name
        self._short = short
        self._layout = layout_of(rows.shape, name, channels_first=channels_first)
        self.kind = sample_kind(self._layout)
        check_type(rows.dtype, self.kind, name)
        self._shape = sample_shape(rows.shape, self._layout)
        if (row_bytes := int(np.prod(self._shape)) * rows.dtype.itemsize) > ROW_BYTES:
            raise InputError(f"Each of the {self.kind} in {name} has {row_bytes:,} bytes.")
        self._chosen = np.arange(rows.shape[0]) if chosen is None else chosen
        self._classes = 0 if labels is None else int(labels.max()) + 1
        self.labels = None if labels is None else labels[self._chosen]
        self.skipped = {}
        self._digest = ""
        if self.kind == "images" and rows.dtype != np.uint8:
            with rows.opened() as take:
                first = self._values(take(self._chosen[:WATCHED]))
            to_samples(first, self.kind)
            check_range(first, name)

    def __len__(self) -> int:
        return len(self._chosen)

    @cached_property
    def facts(self) -> Facts:  # type: ignore[override] # made when first read, then kept
        """The name, kind and shape, and the hash of the samples."""
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
            InputError: the file is damaged, or values are NaN or infinite.
        """
        size = rows_at_once(size, self._shape, CHUNK_BYTES)
        digest = hashlib.sha256(repr((self.kind, len(self), self._shape)).encode())
        with self._rows.opened() as take:
            for start in range(0, len(self), size):
                chosen = self._chosen[start : start + size]
                values = to_samples(self._values(take(chosen)), self.kind).contiguous()
                digest.update(values.numpy().data)
                yield Chunk(values, np.arange(start, start + len(values)))
        self._digest = digest.hexdigest()[:16]

    def _values(self, rows: NDArray[Any]) -> torch.Tensor:
        front = channels_to_front(rows, self._layout)
        native = front.dtype.newbyteorder("=")  # torch has neither foreign byte orders
        if native.kind == "f" and native.itemsize != 4:
            native = np.dtype(np.float32)  # nor long doubles
        with np.errstate(over="ignore"):  # what is too large becomes infinite, and is found below
            values = torch.from_numpy(np.ascontiguousarray(front, dtype=native))
        if values.is_floating_point() and not bool(values.isfinite().all()):
            broken = int((~values.isfinite()).flatten(1).any(dim=1).sum())
            raise InputError(
                f"{self._name} has values that are NaN or infinite, in {broken} of "
                f"{len(values)} samples that were read together."
            )
        return values


def npz_arrays(path: Path) -> tuple[RowReader, str, NDArray[Any] | None]:
    """Return the samples of an npz file, their key, and its labels (N,) or None; see above.

    Raises:
        InputError: it is damaged, or it cannot be known which array is meant.
    """
    members = npz_members(path)
    key = _samples_key(path, members)
    label_key = "arr_1" if key == "arr_0" and "labels" not in members else "labels"
    rows = MemberRows(path, key, members[key])
    labels = None
    if label_key in members:
        found = MemberRows(path, label_key, members[label_key])
        if found.shape == rows.shape[:1]:
            labels = found.whole()
        elif label_key == "labels":
            raise InputError(
                f"'labels' in {path} has the shape {found.shape}; {rows.shape[:1]}, one for each "
                "sample, was expected."
            )
    return rows, key, labels


def checked_labels(labels: Any, count: int, name: str) -> NDArray[np.int64]:
    """Return labels (N,) as int64.

    Raises:
        InputError: they are no integers from 0 to 99,999, or not as many as there are samples.
    """
    array = np.asarray(labels)
    if array.shape != (count,) or array.dtype.kind not in "iu":
        raise InputError(
            f"The labels of {name} are {array.dtype} {array.shape}; integers ({count},), one for "
            "each sample, were expected."
        )
    if array.min() < 0 or array.max() >= _MOST_CLASSES:
        raise InputError(
            f"The labels of {name} go from {array.min()} to {array.max()}; classes counted from "
            f"0 to at most {_MOST_CLASSES - 1} were expected."
        )
    return array.astype(np.int64)


def _samples_key(path: Path, members: dict[str, Any]) -> str:
    named: list[str] = [key for key in ("images", "points") if key in members]
    if not named and "arr_0" in members:
        named = ["arr_0"]
    others = [key for key in members if key != "labels"]
    if len(named) == 1:
        return named[0]
    if not named and {"mu", "sigma"} <= set(members):
        raise InputError(f"{path} holds statistics (mu, sigma), not samples.")
    if not named and len(others) == 1:
        return others[0]
    listed = ", ".join(members) or "no array"
    raise InputError(
        f"{path} holds {listed}; 'images', 'points', 'arr_0' or a single array was expected."
    )
