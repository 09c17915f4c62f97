# SPDX-License-Identifier: MIT
"""The rows of an array that may be larger than memory: in memory, in an npy or in an npz file.

Nothing is unpickled: arrays of objects are refused. An npy file is mapped into memory, and a
member of an npz file is decompressed row by row, anew on each reading, so neither is held whole.
"""

from __future__ import annotations

import math
import os
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ganbench.errors import InputError
from ganbench.samples.image_files import sound

ROW_BYTES = 512 * 2**20
"""Most bytes of one row, an image or a point."""
WHOLE_BYTES = 2 * 2**30
"""Most bytes of an array that is read at once."""

_DEFLATE_RATIO = 1040
"""Deflate cannot grow anything more than 1,032 times: a header that says so is false."""

Take = Callable[[NDArray[np.int64]], NDArray[Any]]
"""Returns the rows (n, ...) at rising indices (n,); later calls ask for later rows."""


class RowReader(ABC):
    """An array (N, ...) that is read from its first row to its last."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @abstractmethod
    def opened(self) -> AbstractContextManager[Take]:
        """Open the rows for one reading."""


class ArrayRows(RowReader):
    """The rows of an array in memory, or of one that is mapped into it."""

    def __init__(self, array: NDArray[Any]) -> None:
        self.shape = array.shape
        self.dtype = array.dtype
        self._array = array

    @contextmanager
    def opened(self) -> Iterator[Take]:
        """Index the array."""
        yield lambda indices: self._array[indices]


def npy_rows(path: Path) -> RowReader:
    """Return the rows of an npy file, mapped into memory.

    Raises:
        InputError: it is damaged, or holds objects.
    """
    with readable(path, "npy"):
        with path.open("rb") as file:
            shape, fortran, dtype = _header(file, path.name)
            start = file.tell()
        if start + math.prod(shape) * dtype.itemsize > path.stat().st_size:
            raise ValueError(f"its header claims the shape {shape}, and it cannot hold that")
        if 0 in shape:
            return ArrayRows(np.empty(shape, dtype))  # nothing cannot be mapped
        order: Literal["F", "C"] = "F" if fortran else "C"
        return ArrayRows(np.memmap(path, dtype, "r", start, shape, order))


class MemberRows(RowReader):
    """The rows of one array of an npz file; ``key`` is its name without ``.npy``."""

    def __init__(self, path: Path, key: str, info: zipfile.ZipInfo) -> None:
        self.path = path
        self.key = key
        self._info = info
        with readable(path, "npz"), zipfile.ZipFile(path) as archive:
            if info.flag_bits & 1:
                raise ValueError(f"'{key}' is encrypted")
            if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
                raise ValueError(f"'{key}' is compressed in a way that numpy does not use")
            with archive.open(info) as file:
                self.shape, self._fortran, self.dtype = _header(file, key)
                self._start = file.tell()
        self._check_size()

    @contextmanager
    def opened(self) -> Iterator[Take]:
        """Decompress from the start; rows that are not asked for are passed over."""
        if self._fortran:
            whole = self.whole()
            yield lambda indices: whole[indices]
            return
        with readable(self.path, "npz"):
            archive = zipfile.ZipFile(self.path)
        with archive, archive.open(self._info) as file:
            yield lambda indices: self._take(file, indices)

    def whole(self) -> NDArray[Any]:
        """Return the whole array (N, ...), for labels and for what is in Fortran order.

        Raises:
            InputError: it is damaged, or larger than ``WHOLE_BYTES``.
        """
        if self._info.file_size > WHOLE_BYTES:
            raise InputError(
                f"'{self.key}' in {self.path} is in Fortran order and too large to be turned.",
                "Save it in C order: numpy.ascontiguousarray(images)",
            )
        with (
            readable(self.path, "npz"),
            zipfile.ZipFile(self.path) as archive,
            archive.open(self._info) as file,
        ):
            file.seek(self._start)
            values = np.frombuffer(file.read(), self.dtype)
            return values.reshape(self.shape, order="F" if self._fortran else "C")

    def _take(self, file: IO[bytes], indices: NDArray[np.int64]) -> NDArray[Any]:
        taken = np.empty((len(indices), *self.shape[1:]), self.dtype)
        row_bytes = math.prod(self.shape[1:]) * self.dtype.itemsize
        # Neighboring rows are read together: where all are asked for, in one go.
        runs = np.split(np.arange(len(indices)), np.flatnonzero(np.diff(indices) != 1) + 1)
        with readable(self.path, "npz"):
            for run in runs:
                if not len(run):
                    continue
                file.seek(self._start + int(indices[run[0]]) * row_bytes)
                data = file.read(len(run) * row_bytes)
                taken[run] = np.frombuffer(data, self.dtype).reshape(len(run), *self.shape[1:])
        return taken

    def _check_size(self) -> None:
        """Raise InputError unless the file can hold what its headers claim."""
        claimed = math.prod(self.shape) * self.dtype.itemsize
        unpacked = self._info.file_size - self._start
        grown = self._info.file_size > _DEFLATE_RATIO * self._info.compress_size + 1024
        large = self._info.compress_size > os.stat(self.path).st_size
        if claimed != unpacked or grown or large:
            raise InputError(
                f"{self.path} is damaged: '{self.key}' claims {claimed:,} bytes, and the file "
                "cannot hold them."
            )


@contextmanager
def readable(path: Path, kind: str) -> Iterator[None]:
    """Turn what reading a damaged array raises into one sentence (InputError)."""
    try:
        with sound(path, kind):
            yield
    except InputError:
        raise
    except Exception as error:  # numpy reads headers as Python, which fails in many ways
        raise InputError(f"{path} cannot be read as {kind}: its header is damaged.") from error


def npz_members(path: Path) -> dict[str, zipfile.ZipInfo]:
    """Return what arrays an npz file holds, by name, without reading them.

    Raises:
        InputError: it is damaged, or holds a name twice.
    """
    with readable(path, "npz"), zipfile.ZipFile(path) as archive:
        infos = [info for info in archive.infolist() if info.filename.endswith(".npy")]
    members = {info.filename.removesuffix(".npy"): info for info in infos}
    if len(members) != len(infos):
        raise InputError(f"{path} holds arrays of one name twice.")
    return members


def _header(file: IO[bytes], key: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
    elif version == (2, 0):
        shape, fortran, dtype = np.lib.format.read_array_header_2_0(file)
    else:  # version 3 is for records whose fields have names beyond latin1
        raise ValueError(f"'{key}' is no array of numbers")
    if dtype.hasobject:
        raise ValueError(f"'{key}' holds Python objects, which are never unpickled")
    if dtype.kind not in "biuf" or any(not 0 <= length < 2**62 for length in shape):
        raise ValueError(f"'{key}' is no array of numbers")
    return shape, fortran, dtype
