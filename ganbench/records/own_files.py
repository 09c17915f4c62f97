# SPDX-License-Identifier: MIT
"""What ganbench may replace or delete: the files that it wrote itself, and no others.

A folder of results lists its files in ``.ganbench.sha256``, as ``sha256sum`` does, so that a file
that somebody changed, or put in the place of another, counts as theirs. A single file shows by its
content that ganbench wrote it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from ganbench.errors import StorageError
from ganbench.records.atomic_files import storage_errors, write_text
from ganbench.records.locks import holding_output

MANIFEST = ".ganbench.sha256"

_TITLE = "# The files that ganbench wrote here, which it may replace or delete.\n"
"""The first line of a manifest; any other file of that name is somebody's own."""

_UNFINISHED = "-" * 64
"""In place of a digest: the file is being written, so it is ganbench's whatever it holds."""


def check_target(
    path: Path, written_by_ganbench: Callable[[Path], bool], *, inputs: Iterable[str | None] = ()
) -> None:
    """Refuse to write a file over an input, or over a file that ganbench did not write.

    Args:
        path: The file to be written.
        written_by_ganbench: Tells from the content of a file whether ganbench wrote it.
        inputs: What the command reads; names that are no paths are passed over.

    Raises:
        StorageError: The file must not be replaced.
    """
    with storage_errors(path):
        there = os.path.lexists(path)
    if not there:
        return
    if any(text and _same_file(path, text) for text in inputs):
        raise StorageError(
            f"{path} is an input of this command, and would be replaced.", "Name another file."
        )
    if path.is_dir() or not written_by_ganbench(path):
        raise StorageError(
            f"{path} exists, and ganbench did not write it.", "Move it away, or name another file."
        )


def _same_file(path: Path, text: str) -> bool:
    try:
        return path.samefile(text)
    except (OSError, ValueError):  # a name such as mnist5k:test, or a file that is not there
        return False


def check_own(folder: Path, names: Iterable[str], earlier: Collection[str] = ()) -> None:
    """Refuse to write files into a folder over files that ganbench did not write there.

    Args:
        folder: The folder.
        names: The files to be written, as paths below the folder with ``/``.
        earlier: Files without a manifest that are known to be ganbench's: an earlier version
            wrote them.

    Raises:
        StorageError: A file is in the way.
    """
    listed = _listed(folder)
    foreign = [MANIFEST] if (folder / MANIFEST).exists() and listed is None else []
    foreign += [
        name
        for name in sorted(names)
        if os.path.lexists(folder / name)
        and name not in earlier
        and not _unchanged(folder / name, (listed or {}).get(name))
    ]
    if foreign:
        raise StorageError(
            f"{folder / foreign[0]} was not written by ganbench, or was changed since, and would "
            "be replaced.",
            "Move it away, or name another folder with --out.",
        )


def own_files(folder: Path) -> list[Path]:
    """Return the files in a folder that ganbench wrote there, and that nobody has changed since."""
    listed = (_listed(folder) or {}).items()
    return [folder / name for name, digest in listed if _unchanged(folder / name, digest)]


@contextmanager
def replacing_own(
    folder: Path, names: Collection[str], earlier: Collection[str] = ()
) -> Iterator[None]:
    """Let the block write files into a folder, where they replace the ones written there before.

    Files that ganbench wrote there before, and that are not among ``names``, are deleted. Nothing
    else is: if a file is in the way, the block does not run.

    Args:
        folder: The folder.
        names: All files that the block writes, as paths below the folder with ``/``.
        earlier: Files without a manifest that are known to be ganbench's (see ``check_own``).

    Raises:
        StorageError: Another's file is in the way, or the folder cannot be written.
        TakenError: Another process takes too long to write there.
    """
    with holding_output(folder), storage_errors(folder):
        check_own(folder, names, earlier)
        old = {**(_listed(folder) or {}), **dict.fromkeys(earlier, _UNFINISHED)}
        _write_manifest(folder, {**old, **dict.fromkeys(names, _UNFINISHED)})
        for name, digest in old.items():
            path = folder / name
            if name not in names and path.is_file() and _unchanged(path, digest):
                path.unlink()
        yield
        _write_manifest(folder, {name: _digest(folder / name) for name in names})


def _listed(folder: Path) -> dict[str, str] | None:
    """Return the digests of the files in a manifest; None where there is no manifest.

    Names that lead out of the folder are passed over: a manifest may come from anywhere.
    """
    try:
        text = (folder / MANIFEST).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    if not text.startswith(_TITLE):
        return None
    rows = [line.split("  ", 1) for line in text.splitlines()[1:]]
    return {row[1]: row[0] for row in rows if len(row) == 2 and _is_below(folder, row[1])}


def _is_below(folder: Path, name: str) -> bool:
    """Tell whether a name stays in the folder, links followed."""
    plain = PurePosixPath(name)
    if plain.is_absolute() or ".." in plain.parts:
        return False
    return (folder / name).parent.resolve().is_relative_to(folder.resolve())


def _unchanged(path: Path, digest: str | None) -> bool:
    return digest == _UNFINISHED or (path.is_file() and digest == _digest(path))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_manifest(folder: Path, digests: Mapping[str, str]) -> None:
    lines = [f"{digest}  {name}\n" for name, digest in sorted(digests.items())]
    write_text(folder / MANIFEST, "".join([_TITLE, *lines]))
