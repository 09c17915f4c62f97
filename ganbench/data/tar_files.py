# SPDX-License-Identifier: MIT
"""Images in a tar archive, plain or compressed by gzip, bzip2 or xz.

A compressed archive is decompressed once, whole and within bounds, into a temporary file that
disappears with the process. So members can be read in the order of their names, from threads.
"""

from __future__ import annotations

import bz2
import errno
import gzip
import lzma
import os
import tarfile
import tempfile
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import IO, Any

from ganbench.data.image_files import (
    FILE_BYTES,
    FREE_BYTES,
    UNPACKED_RATIO,
    ImageFiles,
    Read,
    inner_name,
    reading_as,
    told_apart,
)
from ganbench.errors import InputError, StorageError

_BLOCK = 2**20
_RECORD = tarfile.BLOCKSIZE

_COMPRESSIONS: dict[bytes, Callable[[IO[bytes]], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}


class TarFiles(ImageFiles):
    """The images in a tar archive. Links, devices and sparse files are never followed or read.

    Raises:
        InputError: the archive is damaged or cut short, unpacks to too many bytes, holds no
            images, a name twice, or a path that leads out of the archive.
        StorageError: there is no room to unpack a compressed archive.
    """

    wrapped = True

    def __init__(self, path: Path) -> None:
        self.path = path
        with reading_as(path, "tar"):
            self._file = _plain(path)
            weakref.finalize(self, self._file.close)
            members = list(_members(path, self._file))
        self._places = {name: (start, size, flaw) for name, start, size, flaw in members}
        self._lock = Lock()
        self._take(told_apart(name for name, _, _, _ in members))

    @contextmanager
    def opened(self) -> Iterator[Read]:
        """Read members from their offsets in the archive."""
        yield self._read

    def _read(self, name: str) -> bytes:
        offset, size, problem = self._places[name]
        if problem:
            raise ValueError(problem)
        if size > FILE_BYTES:
            raise ValueError(f"it has {size:,} bytes, which is not expected")
        with self._lock:
            self._file.seek(offset)
            data = self._file.read(size)
        if len(data) < size:
            raise ValueError("the archive is cut short")
        return data


def _plain(path: Path) -> IO[bytes]:
    """Return the archive open and decompressed."""
    file = path.open("rb")
    start = file.read(8)
    file.seek(0)
    decompress = next(
        (opener for magic, opener in _COMPRESSIONS.items() if start.startswith(magic)), None
    )
    if decompress is None:
        return file
    with file:
        most_bytes = max(FREE_BYTES, UNPACKED_RATIO * os.fstat(file.fileno()).st_size)
        return _unpacked(path, decompress(file), most_bytes)


def _unpacked(path: Path, packed: IO[bytes], most_bytes: int) -> IO[bytes]:
    """Return a temporary file that holds a compressed stream, unpacked."""
    plain = tempfile.TemporaryFile(prefix="ganbench-")  # noqa: SIM115 - it outlives the function
    try:
        unpacked_bytes = 0
        while block := packed.read(_BLOCK):
            unpacked_bytes += len(block)
            if unpacked_bytes > most_bytes:
                raise InputError(
                    f"{path} unpacks to more than {most_bytes:,} bytes, which is not expected of "
                    "images.",
                    "If the archive is as intended, unpack it and name the folder.",
                )
            plain.write(block)
        plain.seek(0)
    except BaseException as error:
        plain.close()
        if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise StorageError(
                f"There is no space left in {tempfile.gettempdir()} to unpack {path}.",
                "Unpack it where there is room, and name the folder.",
            ) from error
        raise
    return plain


_Member = tuple[str, int, int, str]
"""Name, offset and size in bytes, and what is wrong with the member."""


def _members(path: Path, file: IO[bytes]) -> Iterator[_Member]:
    with tarfile.open(fileobj=file, mode="r:", errorlevel=1) as archive:
        while (member := archive.next()) is not None:
            name = inner_name(path, member.name)
            if not member.isdir():
                yield name, member.offset_data, member.size, _problem(member)
            archive.members.clear()  # type: ignore[attr-defined]  # tarfile would keep every header in memory
        end = archive.offset
    # At a damaged header tarfile stops as if the archive ended; a true end is zeros.
    file.seek(end)
    if file.read(_RECORD) != bytes(_RECORD):
        raise InputError(f"{path} is damaged or cut short: the end of the archive is not there.")


def _problem(member: tarfile.TarInfo) -> str:
    if member.issym() or member.islnk():
        return "it is a link"
    if member.issparse():
        return "it is a sparse file"
    return "" if member.isreg() else "it is no regular file"
