# SPDX-License-Identifier: MIT
"""The folder of stored weights: each network's tensors in one safetensors file, with a record."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ganbench import paths
from ganbench.errors import InputError, StorageError
from ganbench.records.atomic_files import replacing
from ganbench.weights.catalogue import Weights

BUNDLED = Path(__file__).parent / "bundled"
"""The folder of the weights that are part of the package."""


@dataclass(frozen=True)
class WeightsRecord:
    """What a file of the store states about itself.

    ``part`` is ``trunk`` or ``whole``. ``source`` is an address, or a package and its member,
    and ``source_sha256`` is the hash of that file. ``weights_sha256`` is the hash of the trunk's
    tensors, ``tensors_sha256`` the hash of all stored tensors.
    """

    name: str
    part: str
    source: str
    source_sha256: str
    weights_sha256: str
    tensors_sha256: str


def path_of(entry: Weights) -> Path:
    """Return the file that a network's tensors are stored in."""
    return paths.weights() / f"{entry.name}.safetensors"


def record_of(entry: Weights) -> WeightsRecord | None:
    """Return the record of a stored network, or None."""
    return read_record(path_of(entry), entry.name)


def read_record(path: Path, name: str) -> WeightsRecord | None:
    """Return the record in a file; None where the file is missing or not of this network."""
    try:
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
    except (OSError, SafetensorError):
        return None
    keys = [field.name for field in fields(WeightsRecord)]
    if metadata.get("name") != name or not all(key in metadata for key in keys):
        return None
    return WeightsRecord(**{key: metadata[key] for key in keys})


def read_stored_tensors(
    entry: Weights, path: Path, keep: Callable[[str], bool] = lambda name: True
) -> dict[str, Tensor]:
    """Return the tensors of a stored file whose names ``keep`` accepts.

    Raises:
        InputError: the file is damaged.
    """
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in sorted(file.keys()) if keep(name)}
    except (OSError, SafetensorError) as error:
        raise damaged(entry, path) from error


def write_weights(
    entry: Weights, tensors: Mapping[str, Tensor], source: str, sha256: str
) -> WeightsRecord:
    """Store tensors under the network's name, whole or not at all.

    Raises:
        StorageError: the store cannot be written.
    """
    trunk = {name: tensor for name, tensor in tensors.items() if entry.in_trunk(name)}
    record = WeightsRecord(
        name=entry.name,
        part="trunk" if entry.rest and len(trunk) == len(tensors) else "whole",
        source=source,
        source_sha256=sha256,
        weights_sha256=tensors_hash(trunk),
        tensors_sha256=tensors_hash(tensors),
    )
    path = path_of(entry)
    with writing(), replacing(path) as temporary:
        try:
            save_file(dict(tensors), temporary, metadata=asdict(record))
        except SafetensorError as error:  # the disk failed: the tensors are plain
            raise StorageError(f"{path} cannot be written: {error}.") from error
    return record


def check(entry: Weights, path: Path) -> WeightsRecord:
    """Hash every tensor of a stored file again, and return its record.

    Raises:
        InputError: the file is damaged, or holds another network.
    """
    record = read_record(path, entry.name)
    if record is None:
        raise damaged(entry, path)
    tensors = read_stored_tensors(entry, path)
    trunk = {name: tensor for name, tensor in tensors.items() if entry.in_trunk(name)}
    hashes = (tensors_hash(trunk), tensors_hash(tensors))
    if hashes != (record.weights_sha256, record.tensors_sha256):
        raise damaged(entry, path)
    return record


def damaged(entry: Weights, path: Path) -> InputError:
    """Return the error for a file whose tensors do not fit its record."""
    return InputError(
        f"{path} is damaged: it does not hold the weights of {entry.name}.",
        f"Delete it, then: ganbench weights fetch {entry.name}",
    )


@contextmanager
def writing() -> Iterator[None]:
    """Add to the error of a store that cannot be written how to name another store."""
    try:
        yield
    except StorageError as error:
        raise StorageError(
            error.message, "Free some space, or name another folder: GANBENCH_WEIGHTS=DIR."
        ) from error


def tensors_hash(tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of named tensors: names, shapes and bytes, sorted by name.

    The file is not hashed, because safetensors writes its metadata in an order that changes from
    save to save.
    """
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(f"{name}{tuple(tensors[name].shape)}".encode())
        digest.update(tensors[name].contiguous().numpy().tobytes())
    return digest.hexdigest()
