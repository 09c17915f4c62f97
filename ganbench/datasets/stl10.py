# SPDX-License-Identifier: MIT
"""STL-10: photographs of 96 x 96 pixels, resized on reading (bicubic, antialiased) to 64 x 64."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import IO

import numpy as np

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
from ganbench.data.square_images import Pixels, resize
from ganbench.errors import InputError
from ganbench.progress import SILENT, Progress
from ganbench.registry import register

_UNPACKED = "stl10_binary"
_IMAGE = 3 * 96 * 96
_BLOCK = 1000


@register("stl10")
def stl10(
    root: Path | None = None, *, resolution: int | None = None, progress: Progress = SILENT
) -> Source:
    """STL-10, labeled part: 5,000 photographs of ten classes, 8,000 held out, at 64 x 64, color.

    The 96 x 96 originals are resized with Pillow's antialiasing bicubic filter.
    """
    spec = image_spec("stl10", 3, 64, resolution, classes=10)
    return ArraySource(spec, partial(_read, root, spec.resolution, progress, "train"), root=root)


@register("stl10-unlabeled")
def stl10_unlabeled(
    root: Path | None = None, *, resolution: int | None = None, progress: Progress = SILENT
) -> Source:
    """STL-10, unlabeled part: 100,000 photographs to train on, 8,000 held out, 64 x 64, color.

    The 96 x 96 originals are resized with Pillow's antialiasing bicubic filter. The held-out
    photographs are the labeled test set, which has fewer classes.
    """
    spec = image_spec("stl10-unlabeled", 3, 64, resolution)
    read = partial(_read, root, spec.resolution, progress, "unlabeled")
    return ArraySource(spec, read, root=root)


def _read(
    root: Path | None, resolution: int, progress: Progress, training_part: str, split: str
) -> Arrays:
    stem = training_part if split == "train" else "test"
    image_name, label_name = f"{stem}_X.bin", f"{stem}_y.bin"
    names = (image_name,) if training_part == "unlabeled" else (image_name, label_name)
    archive = _archive(root, names, progress)
    images, labels = np.empty((0, 3, resolution, resolution), np.uint8), None
    with reading(archive):
        for name, file in open_members(archive, names):
            if name == image_name:
                images = _read_images(file, resolution, archive / name)
            else:
                labels = np.frombuffer(file.read(), np.uint8)
    if labels is None:
        return images, None
    if len(labels) != len(images) or labels.min() < 1 or labels.max() > 10:
        raise InputError(
            f"{archive} is damaged: {len(images)} images and {len(labels)} labels of 1 to 10 "
            "do not belong together.",
            REPLACE_HINT,
        )
    return images, labels - 1


def _archive(root: Path | None, names: tuple[str, ...], progress: Progress) -> Path:
    """Return the unpacked folder, or the archive."""
    if unpacked := find_files(root, (_UNPACKED, f"stl10/{_UNPACKED}"), names):
        return unpacked[0].parent
    names = (f"{_UNPACKED}.tar.gz",)
    return obtain_files("stl10", root, ("stl10", "."), names, _remote_files, progress=progress)[0]


def _remote_files() -> list[RemoteFile]:
    """Return the archive with the address and checksum that torchvision knows."""
    from torchvision.datasets import STL10

    return [RemoteFile(STL10.filename, (STL10.url,), STL10.tgz_md5)]


def _read_images(file: IO[bytes], resolution: int, path: Path) -> Pixels:
    """Read images block by block, so that the originals are never all in memory at once."""
    blocks = []
    while data := file.read(_BLOCK * _IMAGE):
        if len(data) % _IMAGE:
            raise InputError(
                f"{path} is damaged: its length is no multiple of {_IMAGE} bytes.",
                REPLACE_HINT,
            )
        columns = np.frombuffer(data, np.uint8).reshape(-1, 3, 96, 96)  # stored column by column
        blocks.append(resize(columns.transpose(0, 1, 3, 2), resolution))
    if not blocks:
        raise InputError(f"{path} is damaged: it is empty.", REPLACE_HINT)
    return np.concatenate(blocks)
