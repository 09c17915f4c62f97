# SPDX-License-Identifier: MIT
"""The files of downloaded datasets: found in the data folders, or downloaded into one of them."""

from __future__ import annotations

import contextlib
import tarfile
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ganbench import paths
from ganbench.config import join_words
from ganbench.data.image_files import DAMAGE
from ganbench.data.square_images import failure_reason
from ganbench.errors import InputError, MissingDataError, StorageError
from ganbench.progress import SILENT, Progress
from ganbench.records.atomic_files import replacing
from ganbench.weights.downloader import OFFLINE, Checksum, NotGivenError, download

REPLACE_HINT = "Put a whole copy in its place, or delete it to have it downloaded again."
"""What to do about a damaged file: the hint of the errors that name it."""


@dataclass(frozen=True)
class RemoteFile:
    """A file that can be downloaded: its name, its addresses in order of preference, its MD5."""

    name: str
    addresses: tuple[str, ...]
    md5: str


def find_files(
    root: Path | None, folders: Collection[str], names: Collection[str]
) -> list[Path] | None:
    """Return the named files from the first folder that holds all of them, or None.

    ``folders`` are tried in order below each data root. A name that ends in ``.gz`` also matches
    the unpacked file without that ending.
    """
    for base in paths.data_roots(root):
        for folder in folders:
            files = [_find_file(paths.expand(base) / folder, name) for name in names]
            if all(files):
                return [path for path in files if path]
    return None


def obtain_files(
    dataset: str,
    root: Path | None,
    folders: Collection[str],
    names: Collection[str],
    remote_files: Callable[[], Collection[RemoteFile]],
    *,
    hint: str = "",
    progress: Progress = SILENT,
) -> list[Path]:
    """Return the named files of a dataset, and download them if they are not on this machine.

    All files of the dataset are downloaded when one is needed, so that a file that cannot be had
    is known before training. They go into a folder named after the dataset, in ``root`` or the
    cache; each file is whole and has the right MD5, or is not there.

    Args:
        dataset: The name of the dataset.
        root: The data folder that the user named, which is searched first, or None.
        folders: Folders below each data folder that may hold the files, in order.
        names: The names of the files that are needed now.
        remote_files: Returns all files of the dataset.
        hint: A sentence on how to get the files by other means.
        progress: Hears how far a download is.

    Raises:
        MissingDataError: the files are not here and cannot be downloaded.
        StorageError: the folder cannot be written.
    """
    if files := find_files(root, folders, names):
        return files
    remotes = remote_files()
    target = paths.expand(root or paths.cache() / "data") / dataset
    try:
        if paths.offline():
            raise NotGivenError(OFFLINE)
        for remote in remotes:
            _download(remote, target / remote.name, progress)
    except NotGivenError as error:
        where = f"Put {join_words(remote.name for remote in remotes)} into DIR/{dataset}"
        raise MissingDataError(
            f"The files of '{dataset}' are not on this machine: {error}.",
            f"{where} and add --data-root DIR. {hint}".strip(),
        ) from error
    return [target / name for name in names]


def open_members(archive: Path, names: Collection[str]) -> Iterator[tuple[str, IO[bytes]]]:
    """Yield the named files, open, from a folder or in one pass through a tar archive.

    Raises:
        InputError: a named file is not there.
    """
    missing = set(names)
    for name, file in _named_members(archive, names):
        missing.discard(name)
        yield name, file
        if not missing:
            return
    raise InputError(
        f"{archive} is not whole: it lacks {join_words(sorted(missing))}.", REPLACE_HINT
    )


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn the errors of reading a cut or altered file into one sentence (InputError)."""
    try:
        yield
    except DAMAGE as error:
        raise InputError(
            f"{path} cannot be read: {failure_reason(error)}.", REPLACE_HINT
        ) from error


def _named_members(archive: Path, names: Collection[str]) -> Iterator[tuple[str, IO[bytes]]]:
    if archive.is_dir():
        for name in names:
            if (archive / name).is_file():
                with (archive / name).open("rb") as file:
                    yield name, file
        return
    with tarfile.open(archive) as tar:
        for member in tar:
            name = member.name.rsplit("/", 1)[-1]
            if name in names and member.isfile() and (packed := tar.extractfile(member)):
                yield name, packed


def _find_file(folder: Path, name: str) -> Path | None:
    candidates = [folder / name, folder / name.removesuffix(".gz")]
    return next((path for path in candidates if path.is_file()), None)


def _download(remote: RemoteFile, target: Path, progress: Progress) -> None:
    """Download a file from the first address that gives it, unless it is there.

    Raises:
        NotGivenError: no address gives the file; what arrived of it is not kept.
        StorageError: the folder cannot be written.
    """
    if target.is_file():
        return
    reasons = []
    try:
        with replacing(target) as temporary:
            for address in remote.addresses:
                progress.say(f"{target.parent.name}: {address}")
                try:
                    download(address, temporary, Checksum("MD5", remote.md5), progress=progress)
                    return
                except NotGivenError as error:
                    reasons.append(str(error))
                    progress.say(f"{target.parent.name}: {error}.")
            raise NotGivenError("; ".join(reasons))
    except StorageError as error:
        raise StorageError(error.message, "Name another folder with --data-root DIR.") from error
