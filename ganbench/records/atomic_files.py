# SPDX-License-Identifier: MIT
"""Files that are whole or missing: each is written next to its place, then renamed into it."""

from __future__ import annotations

import errno
import gzip
import os
import re
import stat
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from ganbench.errors import DamagedRunError, StorageError, UnreadableRunError
from ganbench.records.json_values import json_text, parse_json

LARGEST_DOCUMENT = 64 << 20
"""The most bytes that a JSON document may have; records of runs have a few thousand."""

LARGEST_TABLE = 1 << 30
"""The most bytes that a JSON Lines file may have, unpacked."""

_NO_FILE = {
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.ELOOP,
    errno.ENAMETOOLONG,
    errno.ENXIO,
}
"""What the system says where there is no file to read: nothing, a folder, a socket."""

_LAST_BYTES = 4096
"""How much of the end of a JSON Lines file is read to find its last row."""

_TEMPORARY = re.compile(r"\..+\.[a-z0-9_]{8}|\.tmp[A-Za-z0-9]{6}")
"""How ``replacing`` names its temporary files, and how safetensors names its own."""


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn an error of the operating system about a folder or disk into one sentence.

    Raises:
        StorageError: the system raised an OSError.
    """
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise StorageError(
                f"There is no space left to write {path}.",
                "Free some space, then repeat the command; a run goes on with --resume.",
            ) from error
        if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST}:
            raise StorageError(
                f"{path} cannot be written: {error.strerror}.", "Name another folder with --out."
            ) from error
        raise StorageError(f"{path} cannot be written: {error.strerror or error}.") from error


@contextmanager
def replacing(path: Path, *, sync: bool = True) -> Iterator[Path]:
    """Yield a temporary path next to ``path``; on success it replaces ``path``, whole and synced.

    Args:
        path: the file to write; its folder is made.
        sync: whether the content must survive a power cut. Files that can be made again at any
            time need not.

    Raises:
        StorageError: the file cannot be written.
    """
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            if sync:
                with temporary.open("rb") as written:
                    os.fsync(written.fileno())
            temporary.chmod(0o644)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def sweep_temporary_files(folder: Path) -> None:
    """Remove, at any depth, the temporary files that a killed process left behind."""
    with storage_errors(folder):
        for path in folder.rglob(".*"):
            if _TEMPORARY.fullmatch(path.name) and path.is_file():
                path.unlink()


def check_writable(folder: Path) -> None:
    """Make a folder and try to write to it, so that a mistake shows before hours of work.

    Raises:
        StorageError: the folder cannot be made or written.
    """
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass


def utf8(text: str) -> bytes:
    r"""Return a text as UTF-8; a byte of a path that is not UTF-8 is written as an escape.

    >>> utf8("\u00e9 \udcff")
    b'\xc3\xa9 \\udcff'
    """
    return text.encode(errors="backslashreplace")


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically: see ``utf8``."""
    with replacing(path) as temporary:
        temporary.write_bytes(utf8(text))


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON file atomically; a number that is not finite becomes null."""
    write_text(path, json_text(value, indent=2) + "\n")


def write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a JSON Lines file atomically, packed where its name ends in .gz."""
    content = utf8("".join(json_line(row) for row in rows))
    with replacing(path) as temporary:
        # Without the time, which would make equal files differ.
        temporary.write_bytes(gzip.compress(content, mtime=0) if _packed(path) else content)


def append_line(path: Path, row: Mapping[str, Any]) -> None:
    """Append a row to a JSON Lines file; ``read_lines`` skips a line that a crash cut short."""
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(json_line(row))


def json_line(row: Mapping[str, Any]) -> str:
    """Return a row of a JSON Lines file."""
    return json_text(row) + "\n"


def slug(text: str) -> str:
    """Return a text in the form of a file name.

    >>> slug("WGAN-GP + r1(weight=0.1) <ring8>")
    'wgan-gp-r1-weight-0.1-ring8'
    """
    return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-.")[:80] or "unnamed"


def check_regular_file(path: Path | str, status: os.stat_result, most_bytes: int) -> None:
    """Refuse what is no plain file, such as a pipe that nobody writes to, and what is too large.

    Args:
        path: the path of the file, for messages.
        status: what the system says about it.
        most_bytes: the most bytes that it may have.

    Raises:
        DamagedRunError: it is a folder, a pipe, a socket or a device, or larger than that.
    """
    if not stat.S_ISREG(status.st_mode):
        raise DamagedRunError(f"{path} is damaged: it is not a regular file.")
    if status.st_size > most_bytes:
        raise DamagedRunError(
            f"{path} is damaged: it has {status.st_size:,} bytes, and at most {most_bytes:,} were "
            "expected."
        )


def unread(error: BaseException) -> type[DamagedRunError]:
    """Return the kind of error that a file was not read with.

    Whatever the system says about anything but the path, such as a passing error of a shared
    disk or too many open files, does not mean that the file is damaged.
    """
    passing = isinstance(error, OSError) and error.errno not in _NO_FILE
    return UnreadableRunError if passing else DamagedRunError


@contextmanager
def opened(path: Path | str, most_bytes: int) -> Iterator[BinaryIO]:
    """Open a plain file for reading, and check its size before anything is read.

    Raises:
        DamagedRunError: there is no such file, it is no plain file, or it is too large.
        UnreadableRunError: the system fails to read it.
    """
    try:
        # A pipe is opened without waiting for somebody who writes to it.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with open(handle, "rb") as file:
            check_regular_file(path, os.fstat(handle), most_bytes)
            yield file
    except (OSError, ValueError) as error:  # a path may hold a null character
        reason = getattr(error, "strerror", None) or error
        raise unread(error)(f"{path} cannot be read: {reason}.") from error


def read_json(path: Path | str) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        DamagedRunError: the file is missing, or not whole.
    """
    with opened(path, LARGEST_DOCUMENT) as file:
        content = file.read()
    try:
        value = parse_json(content)
    except ValueError as error:
        raise DamagedRunError(f"{path} is damaged: it is not valid JSON.") from error
    if not isinstance(value, dict):
        raise DamagedRunError(f"{path} is damaged: it holds no JSON object.")
    return value


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Read a JSON Lines file, packed where its name ends in .gz; a missing file is empty.

    Rows that are not whole are left out. A packed file has a checksum, and is read whole or not.

    Raises:
        DamagedRunError: the file cannot be read, does not unpack, is no plain file, or is too
            large.
    """
    if not os.path.lexists(path):
        return []
    with opened(path, LARGEST_TABLE) as file:
        rows = map(_row, _unpacked(path, file) if _packed(path) else file)
        return [row for row in rows if row is not None]


def last_row(path: Path) -> dict[str, Any]:
    """Return the last whole row of a JSON Lines file that may be written to at this moment.

    It is empty where there is none, or the file cannot be read.
    """
    try:
        with opened(path, LARGEST_TABLE) as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _LAST_BYTES))
            lines = file.read().split(b"\n")
    except DamagedRunError:
        return {}
    rows = map(_row, reversed(lines))
    return next((row for row in rows if row is not None), {})


def _packed(path: Path) -> bool:
    return path.suffix == ".gz"


def _unpacked(path: Path, file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a packed file."""
    size = 0
    with gzip.GzipFile(fileobj=file) as lines:
        try:
            # A line may unpack to more than fits in memory; the parts of one are no whole rows.
            while line := lines.readline(LARGEST_DOCUMENT):
                size += len(line)
                if size > LARGEST_TABLE:
                    raise DamagedRunError(
                        f"{path} is damaged: at most {LARGEST_TABLE:,} bytes were expected in it."
                    )
                yield line
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise DamagedRunError(f"{path} is damaged: it cannot be unpacked.") from error


def _row(line: bytes) -> dict[str, Any] | None:
    """Return a row of a JSON Lines file; None unless it is whole."""
    try:
        row = parse_json(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) else None
