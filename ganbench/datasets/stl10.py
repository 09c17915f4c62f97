# SPDX-License-Identifier: MIT
"""STL-10: photographs of 96 x 96 pixels, resized on reading (bicubic, antialiased) to 64 x 64."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import IO

import numpy as np

from ganbench.data.array_source import Arrays, ArraySource, image_spec
from ganbench.data.dataset import Source
from ganbench.data.remote_files import MEND, Remote, damage, find_file, members, obtain
from ganbench.data.square_images import Pixels, resize
from ganbench.errors import InputError
from ganbench.registry import register

_UNPACKED = "stl10_binary"
_IMAGE = 3 * 96 * 96
_BLOCK = 1000


@register("stl10")
def stl10(root: Path | None = None, *, resolution: int | None = None) -> Source:
    """STL-10, labelled part: 5,000 photographs of ten classes, 8,000 held out, at 64 x 64, color.

    The 96 x 96 originals are resized with Pillow's antialiasing bicubic filter.
    """
    spec = image_spec("stl10", 3, 64, resolution, classes=10)
    return ArraySource(spec, partial(_read, root, spec.resolution, "train"), root=root)


@register("stl10-unlabeled")
def stl10_unlabeled(root: Path | None = None, *, resolution: int | None = None) -> Source:
    """STL-10, unlabeled part: 100,000 photographs to train on, 8,000 held out, 64 x 64, color.

    The 96 x 96 originals are resized with Pillow's antialiasing bicubic filter. The held-out
    photographs are those of the labelled test set, whose classes are fewer.
    """
    spec = image_spec("stl10-unlabeled", 3, 64, resolution)
    return ArraySource(spec, partial(_read, root, spec.resolution, "unlabeled"), root=root)


def _read(root: Path | None, resolution: int, first: str, split: str) -> Arrays:
    stem = first if split == "train" else "test"
    image_name, label_name = f"{stem}_X.bin", f"{stem}_y.bin"
    names = (image_name,) if first == "unlabeled" else (image_name, label_name)
    place = _place(root, names)
    images, labels = np.empty((0, 3, resolution, resolution), np.uint8), None
    with damage(place):
        for name, file in members(place, names):
            if name == image_name:
                images = _read_images(file, resolution, place / name)
            else:
                labels = np.frombuffer(file.read(), np.uint8)
    if labels is None:
        return images, None
    if len(labels) != len(images) or labels.min() < 1 or labels.max() > 10:
        raise InputError(
            f"{place} is damaged: {len(images)} images and {len(labels)} labels of 1 to 10 "
            "do not belong together.",
            MEND,
        )
    return images, labels - 1


def _place(root: Path | None, names: tuple[str, ...]) -> Path:
    """Return the unpacked folder, or the archive."""
    if unpacked := find_file(root, (_UNPACKED, f"stl10/{_UNPACKED}"), names):
        return unpacked[0].parent
    return obtain("stl10", root, ("stl10", "."), [f"{_UNPACKED}.tar.gz"], _remotes)[0]


def _remotes() -> list[Remote]:
    from torchvision.datasets import STL10

    return [Remote(STL10.filename, (STL10.url,), STL10.tgz_md5)]


def _read_images(file: IO[bytes], resolution: int, path: Path) -> Pixels:
    """Read images block by block, so that the originals are never all in memory at once."""
    blocks = []
    while data := file.read(_BLOCK * _IMAGE):
        if len(data) % _IMAGE:
            raise InputError(
                f"{path} is damaged: its length is no multiple of {_IMAGE} bytes.",
                MEND,
            )
        columns = np.frombuffer(data, np.uint8).reshape(-1, 3, 96, 96)  # stored column by column
        blocks.append(resize(columns.transpose(0, 1, 3, 2), resolution))
    if not blocks:
        raise InputError(f"{path} is damaged: it is empty.", MEND)
    return np.concatenate(blocks)
