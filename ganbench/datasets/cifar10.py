# SPDX-License-Identifier: MIT
"""CIFAR-10 from its binary version, because the better known Python version is pickled."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ganbench.data.array_source import Arrays, ArraySource, image_spec
from ganbench.data.dataset import Source
from ganbench.data.remote_files import (
    REPLACE_HINT,
    RemoteFile,
    find_files,
    obtain_files,
    open_members,
    reading,
)
from ganbench.errors import InputError
from ganbench.progress import SILENT, Progress
from ganbench.registry import register

ARCHIVE = RemoteFile(
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
def cifar10(
    root: Path | None = None, *, resolution: int | None = None, progress: Progress = SILENT
) -> Source:
    """CIFAR-10: 50,000 photographs of ten classes and 10,000 held out, 32 x 32, color.

    The archive is read without unpacking it. A folder ``cifar-10-batches-bin`` is read instead,
    where there is one.
    """
    spec = image_spec("cifar10", 3, 32, resolution, classes=10)
    return ArraySource(spec, partial(_read, root, progress), root=root)


def _read(root: Path | None, progress: Progress, split: str) -> Arrays:
    names = _FILES[split]
    archive = _archive(root, names, progress)
    with reading(archive):
        batches = {
            name: _records(file.read(), archive, name)
            for name, file in open_members(archive, names)
        }
    records = np.concatenate([batches[name] for name in names])  # (N, 3073), in the files' order
    return records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0]


def _archive(root: Path | None, names: tuple[str, ...], progress: Progress) -> Path:
    """Return the unpacked folder, or the archive."""
    if unpacked := find_files(root, (_UNPACKED, f"cifar10/{_UNPACKED}"), names):
        return unpacked[0].parent
    folders = ("cifar10", ".")
    files = obtain_files(
        "cifar10", root, folders, [ARCHIVE.name], lambda: [ARCHIVE], progress=progress
    )
    return files[0]


def _records(data: bytes, archive: Path, name: str) -> NDArray[np.uint8]:
    """Return records (N, 3073): a label, then the red, green and blue pixels row by row."""
    if not data or len(data) % _RECORD:
        raise InputError(
            f"{name} in {archive} is damaged: {len(data)} bytes are no multiple of {_RECORD}.",
            REPLACE_HINT,
        )
    records = np.frombuffer(data, np.uint8).reshape(-1, _RECORD)
    if records[:, 0].max() > 9:
        raise InputError(f"{name} in {archive} is damaged: a label is above 9.", REPLACE_HINT)
    return records
