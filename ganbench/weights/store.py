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
    """What a file of the store says of itself.

    ``part`` is ``trunk`` or ``whole``. ``source`` is an address, or a package and its member,
    and ``source_sha256`` the hash of that file. ``weights_sha256`` is of the trunk's tensors,
    ``tensors_sha256`` of all that are stored.
    """

    name: str
    part: str
    source: str
    source_sha256: str
    weights_sha256: str
    tensors_sha256: str


def path_of(entry: Weights) -> Path:
    """Return where a network's tensors are stored."""
    return paths.weights() / f"{entry.name}.safetensors"


def record_of(entry: Weights) -> WeightsRecord | None:
    """Return what the store has of a network, or None."""
    return read_record(path_of(entry), entry.name)


def read_record(path: Path, name: str) -> WeightsRecord | None:
    """Return what a file says of itself; None where it is not there or not of this network."""
    try:
        with safe_open(path, framework="np") as file:
            said = file.metadata() or {}
    except (OSError, SafetensorError):
        return None
    names = [field.name for field in fields(WeightsRecord)]
    if said.get("name") != name or not all(one in said for one in names):
        return None
    return WeightsRecord(**{one: said[one] for one in names})


def read_stored_tensors(
    entry: Weights, path: Path, keep: Callable[[str], bool] = lambda name: True
) -> dict[str, Tensor]:
    """Return the tensors of a stored file whose names are wanted.

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
    trunk = {name: one for name, one in tensors.items() if entry.in_trunk(name)}
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
        except SafetensorError as error:  # of the disk: the tensors are plain
            raise StorageError(f"{path} cannot be written: {error}.") from error
    return record


def check(entry: Weights, path: Path) -> WeightsRecord:
    """Hash every tensor of a stored file anew, and return its record.

    Raises:
        InputError: the file is damaged, or is not this network's.
    """
    record = read_record(path, entry.name)
    if record is None:
        raise damaged(entry, path)
    tensors = read_stored_tensors(entry, path)
    trunk = {name: one for name, one in tensors.items() if entry.in_trunk(name)}
    found = (tensors_hash(trunk), tensors_hash(tensors))
    if found != (record.weights_sha256, record.tensors_sha256):
        raise damaged(entry, path)
    return record


def damaged(entry: Weights, path: Path) -> InputError:
    """Return the complaint about a file whose tensors are not those of its record."""
    return InputError(
        f"{path} is damaged: it does not hold the weights of {entry.name} that it should.",
        f"Delete it, then: ganbench weights fetch {entry.name}",
    )


@contextmanager
def writing() -> Iterator[None]:
    """Say of a store that cannot be written how to name another."""
    try:
        yield
    except StorageError as error:
        raise StorageError(
            error.message, "Free some space, or name another folder: GANBENCH_WEIGHTS=DIR."
        ) from error


def tensors_hash(tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of named tensors: of names, shapes and bytes, in the names' order.

    Not of the file: safetensors writes its metadata in an order that changes from save to save.
    """
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(f"{name}{tuple(tensors[name].shape)}".encode())
        digest.update(tensors[name].contiguous().numpy().tobytes())
    return digest.hexdigest()
