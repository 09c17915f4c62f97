# SPDX-License-Identifier: MIT
"""Files that are whole or missing: each is written next to its place, then renamed into it."""

from __future__ import annotations

import errno
import json
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from ganbench.errors import DamagedRunError, StorageError

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
                "Free some space, then repeat the command with --resume.",
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


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON file atomically; a number that is not finite becomes null."""
    write_text(path, json.dumps(finite(value), indent=2, allow_nan=False) + "\n")


def write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a JSON Lines file atomically."""
    write_text(path, "".join(json_line(row) for row in rows))


def append_line(path: Path, row: Mapping[str, Any]) -> None:
    """Append a row to a JSON Lines file; ``read_lines`` skips a line that a crash cut short."""
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(json_line(row))


def json_line(row: Mapping[str, Any]) -> str:
    """Return a row of a JSON Lines file."""
    return json.dumps(finite(row), separators=(",", ":"), allow_nan=False) + "\n"


def finite(value: Any) -> Any:
    """Replace NaN and infinities, which JSON lacks, by None, at any depth."""
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value


def slug(text: str) -> str:
    """Return a text in the form of a file name.

    >>> slug("WGAN-GP + r1(weight=0.1) <ring8>")
    'wgan-gp-r1-weight-0.1-ring8'
    """
    return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-.")[:80] or "unnamed"


def read_json(path: Path | str) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        DamagedRunError: the file is missing, or not whole.
    """
    try:
        with open(path, "rb") as file:
            value = from_json(file.read())  # several times as fast as the standard library
    except OSError as error:
        raise DamagedRunError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise DamagedRunError(f"{path} is damaged: it is not valid JSON.") from error
    if not isinstance(value, dict):
        raise DamagedRunError(f"{path} is damaged: it holds no JSON object.")
    return value


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Read a JSON Lines file, leaving out rows that are not whole; a missing file is empty."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    rows = []
    for line in text.splitlines():
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            continue
        if isinstance(row, dict):
            rows.append(row)
    return rows
