# SPDX-License-Identifier: MIT
"""A folder of pairs of images: two folders, ``images`` and ``sources``, of equally named files.

``ganbench.data.folder`` says how each of them is read; the endings of a pair's files may differ.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace
from pathlib import Path, PurePosixPath

from ganbench.data.array_source import Arrays, ArraySource
from ganbench.data.dataset import Source
from ganbench.data.files_below import HIDDEN, by_ending, is_hidden
from ganbench.data.folder import open_images
from ganbench.data.image_files import FolderFiles, reading_as
from ganbench.data.image_labels import notices_of
from ganbench.errors import InputError

IMAGES, SOURCES = "images", "sources"
"""The names of the folders of the images and of their sources."""


def holds_pairs(path: Path) -> bool:
    """Tell whether a path is a folder of pairs: its only folders are the two of pairs."""
    if not path.is_dir():
        return False
    with reading_as(path, "a folder"):
        folders = [child.name for child in path.iterdir() if child.is_dir()]
    return sorted(name for name in folders if not name.startswith(".")) == [IMAGES, SOURCES]


def beside_pairs(path: Path) -> Counter[str]:
    """Count by reason what lies next to the two folders of pairs, where nothing is read."""
    with reading_as(path, "a folder"):
        names = [child.name for child in path.iterdir() if child.name not in {IMAGES, SOURCES}]
    return Counter(HIDDEN if is_hidden(name) else by_ending(name) for name in names)


def open_pairs(path: Path, resolution: int | None = None) -> Source:
    """Open a folder of pairs; every file is decoded once, to know what is in it.

    The resolution is that of the images where none is asked for.

    Raises:
        InputError: an image has no source of its name, or a source no image, or one of the folders
            holds fewer than two images, or damaged images.
    """
    path = path.resolve()
    stems = [_stems(path / part) for part in (IMAGES, SOURCES)]
    if alone := sorted({*stems[0]} ^ {*stems[1]}):
        here, missing = (IMAGES, SOURCES) if alone[0] in stems[0] else (SOURCES, IMAGES)
        raise InputError(
            f"{path / here / alone[0]} has no image of the same name in {missing} "
            f"({len(alone)} such files)."
        )
    if stems[0] != stems[1]:  # two files of one name, or names that their endings put in order
        raise InputError(
            f"The files of {path} are not one image and one source for each name.",
            "Give all files of both folders the same ending.",
        )
    images = open_images(path / IMAGES, resolution)
    sources = open_images(path / SOURCES, images.spec.resolution)
    versions = f"{images.spec.version} {sources.spec.version}"
    spec = replace(
        images.spec,
        name=str(path) + images.spec.name.removeprefix(str(path / IMAGES)),
        version=f"pairs-{hashlib.sha256(versions.encode()).hexdigest()[:16]}",
        source=sources.spec.shape,
    )

    def read(split: str) -> Arrays:
        loaded = images.load(split)
        labels = None if loaded.labels is None else loaded.labels.numpy()
        return loaded.values.numpy(), labels

    beside = beside_pairs(path)
    return ArraySource(
        spec,
        read,
        read_sources=lambda split: sources.load(split).values.numpy(),
        passed_over=Counter(images.passed_over) + Counter(sources.passed_over) + beside,
        notices=(*notices_of(path, beside), *images.notices, *sources.notices),
    )


def _stems(folder: Path) -> list[str]:
    """Return the images of a folder without their endings, in the order in which they are read."""
    return [str(PurePosixPath(name).with_suffix("")) for name in FolderFiles(folder).names]
