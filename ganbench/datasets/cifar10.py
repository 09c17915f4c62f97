# SPDX-License-Identifier: MIT
"""CIFAR-10 from its binary version: the better known Python version is made of pickles."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ganbench.data.array_source import Arrays, ArraySource, image_spec
from ganbench.data.dataset import Source
from ganbench.data.remote_files import MEND, Remote, damage, find_file, members, obtain
from ganbench.errors import InputError
from ganbench.registry import register

ARCHIVE = Remote(
    "cifar-10-binary.tar.gz",
    ("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",),
    "c32a1d4ab5d03f1284b67883e8d87530",
)
_FILES = {
    "train": tuple(f"data_batch_{number}.bin" for number in range(1, 6)),
    "test": ("test_batch.bin",),
}
_UNPACKED = "cifar-10-batches-bin"
_RECORD = 1 + 3 * 32 * 32


@register("cifar10")
def cifar10(root: Path | None = None, *, resolution: int | None = None) -> Source:
    """CIFAR-10: 50,000 photographs of ten classes and 10,000 held out, 32 x 32, color.

    The archive is read as it is, without unpacking; a folder ``cifar-10-batches-bin`` is read
    where it is there already.
    """
    spec = image_spec("cifar10", 3, 32, resolution, classes=10)
    return ArraySource(spec, partial(_read, root), root=root)


def _read(root: Path | None, split: str) -> Arrays:
    names = _FILES[split]
    place = _place(root, names)
    with damage(place):
        batches = {name: _records(file.read(), place, name) for name, file in members(place, names)}
    records = np.concatenate([batches[name] for name in names])  # (N, 3073), in their order
    return records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0]


def _place(root: Path | None, names: tuple[str, ...]) -> Path:
    """Return the unpacked folder, or the archive."""
    if unpacked := find_file(root, (_UNPACKED, f"cifar10/{_UNPACKED}"), names):
        return unpacked[0].parent
    return obtain("cifar10", root, ("cifar10", "."), [ARCHIVE.name], lambda: [ARCHIVE])[0]


def _records(data: bytes, place: Path, name: str) -> NDArray[np.uint8]:
    """Return records (N, 3073): a label, then the red, green and blue pixels row by row."""
    if not data or len(data) % _RECORD:
        raise InputError(
            f"{name} in {place} is damaged: {len(data)} bytes are no multiple of {_RECORD}.",
            MEND,
        )
    records = np.frombuffer(data, np.uint8).reshape(-1, _RECORD)
    if records[:, 0].max() > 9:
        raise InputError(f"{name} in {place} is damaged: a label is above 9.", MEND)
    return records
