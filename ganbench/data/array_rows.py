# SPDX-License-Identifier: MIT
"""The rows of an array that may be larger than memory: in memory, in an npy or in an npz file.

Training and evaluation read both files by this module alone. Nothing is unpickled: a file that
holds arrays of objects is refused. For evaluation an npy file is mapped into memory, and a member
of an npz file is decompressed row by row, again on each reading. So neither is held whole.
"""

from __future__ import annotations

import math
import os
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ganbench.data.image_files import reading_as
from ganbench.errors import InputError

ROW_BYTES = 512 * 2**20
"""Most bytes of one row, an image or a point."""
WHOLE_BYTES = 2 * 2**30
"""Most bytes of an array that is read at once."""

_BLOCK_BYTES = 64 * 2**20
_DEFLATE_RATIO = 1040
"""Deflate cannot compress more than 1,032 times: a header that claims more is false."""

Take = Callable[[NDArray[np.int64]], NDArray[Any]]
"""Returns the rows (n, ...) at rising indices (n,); later calls ask for later rows."""


class RowReader(ABC):
    """An array (N, ...) that is read from its first row to its last."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @abstractmethod
    def opened(self) -> AbstractContextManager[Take]:
        """Open the rows for one reading."""


def read_whole(rows: RowReader, name: str, *, most_bytes: int) -> NDArray[Any]:
    """Return all rows (N, ...) in memory; ``name`` is theirs in errors.

    Raises:
        InputError: they are damaged, or more than ``most_bytes``.
    """
    claimed = math.prod(rows.shape) * rows.dtype.itemsize
    if claimed > most_bytes:
        raise InputError(
            f"{name} holds {claimed / 1e9:.3g} GB; at most {most_bytes / 1e9:.3g} GB fit into this "
            "machine's memory."
        )
    whole = np.empty(rows.shape, rows.dtype)
    if not whole.size:
        return whole
    step = max(1, _BLOCK_BYTES // whole[0].nbytes)  # so that it is in memory once, not twice
    with rows.opened() as take:
        for start in range(0, len(whole), step):
            block = whole[start : start + step]
            block[:] = take(np.arange(start, start + len(block)))
    return whole


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
        InputError: the file is damaged, or holds objects.
    """
    with reading_array(path, "npy"):
        with path.open("rb") as file:
            shape, fortran, dtype = _header(file, path.name)
            start = file.tell()
        if start + math.prod(shape) * dtype.itemsize > path.stat().st_size:
            raise ValueError(f"its header claims the shape {shape}, and it cannot hold that")
        if 0 in shape:
            return ArrayRows(np.empty(shape, dtype))  # an empty array cannot be mapped
        order: Literal["F", "C"] = "F" if fortran else "C"
        return ArrayRows(np.memmap(path, dtype, "r", start, shape, order))


class MemberRows(RowReader):
    """The rows of one array of an npz file; ``key`` is its name without ``.npy``.

    ``texts`` says that the array holds texts, and not numbers.
    """

    def __init__(self, path: Path, key: str, info: zipfile.ZipInfo, *, texts: bool = False) -> None:
        self.path = path
        self.key = key
        self._info = info
        with reading_array(path, "npz"), zipfile.ZipFile(path) as archive:
            if info.flag_bits & 1:
                raise ValueError(f"'{key}' is encrypted")
            if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
                raise ValueError(f"'{key}' has a compression that numpy does not use")
            with archive.open(info) as file:
                self.shape, self._fortran, self.dtype = _header(file, key, texts=texts)
                self._start = file.tell()
        self._check_size()

    @contextmanager
    def opened(self) -> Iterator[Take]:
        """Decompress from the start, and skip rows that are not asked for."""
        if self._fortran:
            whole = self.whole()
            yield lambda indices: whole[indices]
            return
        with reading_array(self.path, "npz"):
            archive = zipfile.ZipFile(self.path)
            file = archive.open(self._info)
        with archive, file:
            file.read(self._start)  # after a seek, zipfile would not check the checksum
            yield lambda indices: self._take(file, indices)

    def whole(self) -> NDArray[Any]:
        """Return the whole array (N, ...), for labels and for arrays in Fortran order.

        Raises:
            InputError: the array is damaged, or larger than ``WHOLE_BYTES``.
        """
        if self._info.file_size > WHOLE_BYTES:
            raise InputError(
                f"'{self.key}' in {self.path} is in Fortran order and too large to be reordered.",
                "Save it in C order: numpy.ascontiguousarray(images)",
            )
        with (
            reading_array(self.path, "npz"),
            zipfile.ZipFile(self.path) as archive,
            archive.open(self._info) as file,
        ):
            file.read(self._start)  # after a seek, zipfile would not check the checksum
            values = np.frombuffer(file.read(), self.dtype)
            return values.reshape(self.shape, order="F" if self._fortran else "C")

    def _take(self, file: IO[bytes], indices: NDArray[np.int64]) -> NDArray[Any]:
        taken = np.empty((len(indices), *self.shape[1:]), self.dtype)
        row_bytes = math.prod(self.shape[1:]) * self.dtype.itemsize
        # Neighboring rows are read together; if all are asked for, in a single read.
        runs = np.split(np.arange(len(indices)), np.flatnonzero(np.diff(indices) != 1) + 1)
        with reading_array(self.path, "npz"):
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
        too_dense = self._info.file_size > _DEFLATE_RATIO * self._info.compress_size + 1024
        too_large = self._info.compress_size > os.stat(self.path).st_size
        if claimed != unpacked or too_dense or too_large:
            raise InputError(
                f"{self.path} is damaged: '{self.key}' claims {claimed:,} bytes, and the file "
                "cannot hold them."
            )


@contextmanager
def reading_array(path: Path, kind: str) -> Iterator[None]:
    """Turn the errors of reading a damaged array into one sentence (InputError)."""
    try:
        with reading_as(path, kind):
            yield
    except InputError:
        raise
    except Exception as error:  # numpy reads headers as Python, which fails in many ways
        raise InputError(f"{path} cannot be read as {kind}: its header is damaged.") from error


def npz_members(path: Path) -> dict[str, zipfile.ZipInfo]:
    """Return the arrays that an npz file holds, by name, without reading them.

    Raises:
        InputError: the file is damaged, or holds a name twice.
    """
    with reading_array(path, "npz"), zipfile.ZipFile(path) as archive:
        infos = [info for info in archive.infolist() if info.filename.endswith(".npy")]
    members = {info.filename.removesuffix(".npy"): info for info in infos}
    if len(members) != len(infos):
        raise InputError(f"{path} holds two arrays of the same name.")
    return members


def refuse_objects(path: Path, members: Mapping[str, zipfile.ZipInfo]) -> None:
    """Raise InputError if an array of an npz file holds Python objects, used or not."""
    with reading_array(path, "npz"), zipfile.ZipFile(path) as archive:
        for key, info in members.items():
            with archive.open(info) as file:
                _any_header(file, key)


def _header(
    file: IO[bytes], key: str, *, texts: bool = False
) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    shape, fortran, dtype = _any_header(file, key)
    if dtype.kind not in ("U" if texts else "biuf") or any(not 0 <= n < 2**62 for n in shape):
        raise ValueError(f"'{key}' is no array of {'texts' if texts else 'numbers'}")
    return shape, fortran, dtype


def _any_header(file: IO[bytes], key: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
    elif version == (2, 0):
        shape, fortran, dtype = np.lib.format.read_array_header_2_0(file)
    else:  # version 3 is for records whose fields have names outside latin1
        raise ValueError(f"'{key}' is no array of numbers")
    if dtype.hasobject:
        raise ValueError(f"'{key}' holds Python objects, which are never unpickled")
    return shape, fortran, dtype
