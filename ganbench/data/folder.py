# SPDX-License-Identifier: MIT
"""A folder of images: nested, and of mixed formats, sizes and color modes.

``ganbench.data.square_images`` says how each image becomes a square of 8-bit pixels. Hidden files
are ignored, and links to folders are not followed. Nine tenths are for training, and the last
tenth of a fixed permutation is held out.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganbench.data.array_source import (
    SPLIT_SEED,
    TEST_SHARE,
    Arrays,
    ArraySource,
    held_out,
    image_spec,
)
from ganbench.data.dataset import Source
from ganbench.data.square_images import decode_images, in_threads, is_gray, to_eight_bit
from ganbench.errors import InputError, MissingDataError

EXTENSIONS = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".gif")
FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "TIFF", "GIF")
"""Pillow's names of the formats that are read; a file may have the ending of another format."""
_RULES = 1
"""Version of how images are read and split; raised when a change alters pixels or splits."""

_NATURAL_SIZES = (28, 32, 64, 128)
_DEFAULT_SIZE = 32


@dataclass(frozen=True)
class _FileFacts:
    """Facts from the header and the bytes of one file."""

    size: tuple[int, int]
    gray: bool
    digest: str


def open_folder(path: Path, resolution: int | None = None) -> Source:
    """Open a folder of images; every file is decoded once, to know what is in it.

    Without a resolution it is 28, 32, 64 or 128 where all images are squares of that size, and 32
    otherwise. The images are gray if all of them are stored without color, and RGB otherwise.
    Where every image lies in a folder directly below ``path``, and there are several such
    folders, these are the classes, in alphabetical order. The version is a hash of names and
    contents.

    Raises:
        MissingDataError: there is no such folder.
        InputError: the path is no folder, or the folder holds fewer than two images, or damaged
            images.
    """
    if not path.exists():
        raise MissingDataError(
            f"There is no folder or file {path}.", "See what is built in: ganbench ls datasets"
        )
    if not path.is_dir():
        raise InputError(f"{path} is neither a folder of images nor an npz file.")
    path = path.resolve()
    names = _image_names(path)
    files = [path / name for name in names]
    facts = _examine(path, files)
    classes = classes_of(names)
    digest = hashlib.sha256()
    for name, file_facts in zip(names, facts, strict=True):
        digest.update(os.fsencode(f"{name}\0{file_facts.digest}\n"))
    spec = image_spec(
        str(path),
        1 if all(file_facts.gray for file_facts in facts) else 3,
        _natural_size(facts),
        resolution,
        version=f"{_RULES}-{digest.hexdigest()[:16]}",
        classes=len(classes),
    )
    return ArraySource(spec, partial(_read, path, files, spec.channels, spec.resolution, classes))


def is_image_name(name: str) -> bool:
    """Tell whether a relative path means an image: by its ending, and not hidden."""
    path = PurePosixPath(name)
    hidden = any(part.startswith(".") for part in path.parts)
    return path.suffix.lower() in EXTENSIONS and not hidden


def image_names(folder: Path) -> list[str]:
    """Return the relative paths, with slashes, of the images at or below a folder, sorted."""
    names = ((path, path.relative_to(folder).as_posix()) for path in folder.rglob("*"))
    return sorted(name for path, name in names if is_image_name(name) and path.is_file())


def classes_of(names: Sequence[str]) -> list[str]:
    """Return the names of the classes that folders form; empty where they form none."""
    parts = [name.split("/") for name in names]
    classes = sorted({part[0] for part in parts})
    return classes if len(classes) > 1 and all(len(part) == 2 for part in parts) else []


def _image_names(folder: Path) -> list[str]:
    """Return the images' names; raise InputError where there are fewer than two."""
    names = image_names(folder)
    if len(names) < 2:
        counted = "no images" if not names else "only one image"
        raise InputError(
            f"The folder {folder} holds {counted}; at least two were expected, in files that end "
            f"in {' '.join(EXTENSIONS)}."
        )
    return names


def _examine(folder: Path, files: Sequence[Path]) -> list[_FileFacts]:
    facts: dict[int, _FileFacts] = {}

    def examine_file(index: int) -> None:
        data = files[index].read_bytes()
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            size, gray = image.size, is_gray(image)
            to_eight_bit(image, 1 if gray else 3)  # a damaged file is found now, not after training
        facts[index] = _FileFacts(size, gray, hashlib.sha256(data).hexdigest())

    _check_failures(folder, files, in_threads(len(files), examine_file))
    return [facts[index] for index in range(len(files))]


def _natural_size(facts: Sequence[_FileFacts]) -> int:
    sizes = {file_facts.size for file_facts in facts}
    return next((side for side in _NATURAL_SIZES if sizes == {(side, side)}), _DEFAULT_SIZE)


def _read(
    folder: Path,
    files: Sequence[Path],
    channels: int,
    resolution: int,
    classes: Sequence[str],
    split: str,
) -> Arrays:
    chosen = [files[index] for index in held_out(len(files), split, TEST_SHARE, SPLIT_SEED)]
    images, failures = decode_images(
        len(chosen), lambda index: Image.open(chosen[index], formats=FORMATS), channels, resolution
    )
    _check_failures(folder, chosen, failures)
    if not classes:
        return images, None
    labels: NDArray[np.int64] = np.array([classes.index(file.parent.name) for file in chosen])
    return images, labels


def _check_failures(folder: Path, files: Sequence[Path], failures: dict[int, str]) -> None:
    """Raise InputError if images cannot be read: it names the first, and counts them."""
    if failures:
        first = min(failures)
        others = f" ({len(failures)} such files in {folder})" if len(failures) > 1 else ""
        raise InputError(
            f"The image {files[first]} cannot be read: {failures[first]}{others}.",
            "Repair the file, or remove it.",
        )
