# SPDX-License-Identifier: MIT
"""Where the files of downloaded datasets are: found in the data folders, or fetched into one."""

from __future__ import annotations

import contextlib
import socket
import ssl
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.error import URLError

from ganbench import paths
from ganbench.config import join_words
from ganbench.errors import InputError, MissingDataError, StorageError
from ganbench.records.atomic_files import replacing

MEND = "Put a whole copy in its place, or delete it to have it downloaded again."
"""What to do about a damaged file: the hint of the errors that name it."""

_SILENCE_SECONDS = 30.0
_OFFLINE = "downloads are switched off (GANBENCH_OFFLINE or HF_HUB_OFFLINE is set)"


@dataclass(frozen=True)
class Remote:
    """A file that can be downloaded: its name, its addresses in order, its MD5."""

    name: str
    urls: tuple[str, ...]
    md5: str


def find_file(
    root: Path | None, folders: Collection[str], names: Collection[str]
) -> list[Path] | None:
    """Return the named files from the first folder that holds all of them, or None.

    ``folders`` are tried in order below each data root. A name that ends in ``.gz`` may also be
    there unpacked, without the ending.
    """
    for base in paths.data_roots(root):
        for folder in folders:
            found = [_present(base.expanduser() / folder, name) for name in names]
            if all(found):
                return [path for path in found if path]
    return None


def obtain(
    dataset: str,
    root: Path | None,
    folders: Collection[str],
    names: Collection[str],
    remotes: Callable[[], Collection[Remote]],
    hint: str = "",
) -> list[Path]:
    """Return the named files of a dataset: those that are here, else downloaded ones.

    ``remotes`` tells of all files of the dataset. All are downloaded when one is needed, so that
    what cannot be had is known before training, into a folder named after the dataset in
    ``root`` or the cache; each file is whole and of the right MD5, or not there.

    Raises:
        MissingDataError: the files are not here and cannot be downloaded.
        StorageError: the folder cannot be written.
    """
    if found := find_file(root, folders, names):
        return found
    known = remotes()
    target = (root or paths.cache() / "data").expanduser() / dataset
    reason = _OFFLINE if paths.offline() else ""
    for remote in () if reason else known:
        if reason := _download(remote, target / remote.name):
            break
    if reason:
        where = f"Put {join_words(remote.name for remote in known)} into DIR/{dataset}"
        raise MissingDataError(
            f"The files of '{dataset}' are not on this machine, and {reason}.",
            f"{where} and add --data-root DIR. {hint}".strip(),
        )
    return [target / name for name in names]


def members(place: Path, names: Collection[str]) -> Iterator[tuple[str, IO[bytes]]]:
    """Yield the named files, open, from a folder or in one pass through a tar archive.

    Raises:
        InputError: one of them is not there.
    """
    left = set(names)
    for name, file in _walk(place, names):
        left.discard(name)
        yield name, file
        if not left:
            return
    raise InputError(f"{place} is not whole: it lacks {join_words(sorted(left))}.", MEND)


@contextlib.contextmanager
def damage(place: Path) -> Iterator[None]:
    """Turn what reading a cut or altered file causes into one sentence (InputError)."""
    try:
        yield
    except (OSError, tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error) as error:
        raise InputError(f"{place} cannot be read: {error}.", MEND) from error


def _walk(place: Path, names: Collection[str]) -> Iterator[tuple[str, IO[bytes]]]:
    if place.is_dir():
        for name in names:
            if (place / name).is_file():
                with (place / name).open("rb") as file:
                    yield name, file
        return
    with tarfile.open(place) as archive:
        for member in archive:
            name = member.name.rsplit("/", 1)[-1]
            if name in names and member.isfile() and (packed := archive.extractfile(member)):
                yield name, packed


def _present(folder: Path, name: str) -> Path | None:
    candidates = [folder / name, folder / name.removesuffix(".gz")]
    return next((path for path in candidates if path.is_file()), None)


def _download(remote: Remote, target: Path) -> str:
    """Download one file from the first address that gives it; return what went wrong, if so."""
    if target.is_file():
        return ""
    reason = ""
    try:
        with contextlib.suppress(_NotGivenError), replacing(target) as temporary:
            for url in remote.urls:
                if not (reason := _fetch(url, temporary, remote.md5)):
                    return ""
            raise _NotGivenError
    except StorageError as error:
        raise StorageError(error.message, "Name another folder with --data-root DIR.") from error
    return reason


class _NotGivenError(Exception):
    """No address gave the file: what was written of it must not take its place."""


def _fetch(url: str, target: Path, md5: str) -> str:
    """Download through torchvision; return what went wrong, or the empty string.

    Raises:
        OSError: the file cannot be written.
    """
    from torchvision.datasets.utils import download_url

    try:
        with _not_forever():
            download_url(url, str(target.parent), target.name, md5)
    except (URLError, TimeoutError, ConnectionError, ssl.SSLError) as error:
        said = str(error).removeprefix("<urlopen error ").removesuffix(">")
        return f"{url} cannot be downloaded: {said}".rstrip(".")
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001 - torchvision, http.client, gdown: kinds of their own
        return f"{url} did not give the file: {error}".rstrip(".")
    return ""


@contextlib.contextmanager
def _not_forever() -> Iterator[None]:
    """Give up on a server that says nothing; torchvision sets no limit of its own."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_SILENCE_SECONDS)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
