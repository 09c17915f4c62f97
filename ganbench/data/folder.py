# SPDX-License-Identifier: MIT
"""A folder of images, as it comes: nested, of mixed formats, sizes and color modes.

``ganbench.data.square_images`` says how each image becomes a square of 8-bit pixels. Hidden files
are passed over and links to folders are not followed. Nine tenths are for training, the last tenth
of a fixed permutation is held out.
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

from ganbench.data.array_source import Arrays, ArraySource, held_out, image_spec
from ganbench.data.dataset import Source
from ganbench.data.square_images import decode_image, each, is_gray, to_eight_bit
from ganbench.errors import InputError, MissingDataError

EXTENSIONS = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".gif")
FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "TIFF", "GIF")
"""Pillow's names of the formats that are read; a file may have the ending of another."""
_RULES = 1
"""Version of how images are read and split; raised when a change alters pixels or splits."""

_NATURAL_SIZES = (28, 32, 64, 128)
_DEFAULT_SIZE = 32
_TEST_SHARE = 0.1
_SPLIT_SEED = 10


@dataclass(frozen=True)
class _Facts:
    """What the headers and the bytes of one file say."""

    size: tuple[int, int]
    grey: bool
    digest: str


def open_folder(path: Path, resolution: int | None = None) -> Source:
    """Open a folder of images; every file is decoded once, to know what is there.

    Without a resolution it is 28, 32, 64 or 128 where all images are squares of that size, else
    32. The images are grey if all of them are stored without color, else RGB. Where every image
    lies in a folder directly below ``path``, and there are several, these are the classes, in
    alphabetical order. The version is a hash of names and contents.

    Raises:
        MissingDataError: there is no such folder.
        InputError: it is no folder, holds no images or only one, or holds damaged ones.
    """
    if not path.exists():
        raise MissingDataError(
            f"There is no folder or file {path}.", "See what is built in: ganbench ls datasets"
        )
    if not path.is_dir():
        raise InputError(f"{path} is neither a folder of images nor an npz file.")
    path = path.resolve()
    names = _several(path)
    files = [path / name for name in names]
    facts = _examine(path, files)
    classes = classes_of(names)
    digest = hashlib.sha256()
    for name, fact in zip(names, facts, strict=True):
        digest.update(os.fsencode(f"{name}\0{fact.digest}\n"))
    spec = image_spec(
        str(path),
        1 if all(fact.grey for fact in facts) else 3,
        _natural_size(facts),
        resolution,
        version=f"{_RULES}-{digest.hexdigest()[:16]}",
        classes=len(classes),
    )
    return ArraySource(spec, partial(_read, path, files, spec.channels, spec.resolution, classes))


def is_image_name(name: str) -> bool:
    """Tell whether a relative path is that of an image: by its ending, and not hidden."""
    path = PurePosixPath(name)
    hidden = any(part.startswith(".") for part in path.parts)
    return path.suffix.lower() in EXTENSIONS and not hidden


def image_names(folder: Path) -> list[str]:
    """Return the relative paths, with slashes, of the images at or below a folder, sorted."""
    names = ((path, path.relative_to(folder).as_posix()) for path in folder.rglob("*"))
    return sorted(name for path, name in names if is_image_name(name) and path.is_file())


def classes_of(names: Sequence[str]) -> list[str]:
    """Return the names of the classes that folders make, none where they do not say them."""
    parts = [name.split("/") for name in names]
    classes = sorted({part[0] for part in parts})
    return classes if len(classes) > 1 and all(len(part) == 2 for part in parts) else []


def _several(folder: Path) -> list[str]:
    names = image_names(folder)
    if len(names) < 2:
        counted = "no images" if not names else "one image only"
        raise InputError(
            f"The folder {folder} holds {counted}; at least two were expected, in files that end "
            f"in {' '.join(EXTENSIONS)}."
        )
    return names


def _examine(folder: Path, files: Sequence[Path]) -> list[_Facts]:
    facts: dict[int, _Facts] = {}

    def one(index: int) -> None:
        data = files[index].read_bytes()
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            size, grey = image.size, is_gray(image)
            to_eight_bit(image, 1 if grey else 3)  # a damaged file is found now, not after training
        facts[index] = _Facts(size, grey, hashlib.sha256(data).hexdigest())

    _complain(folder, files, each(len(files), one))
    return [facts[index] for index in range(len(files))]


def _natural_size(facts: Sequence[_Facts]) -> int:
    sizes = {fact.size for fact in facts}
    return next((n for n in _NATURAL_SIZES if sizes == {(n, n)}), _DEFAULT_SIZE)


def _read(
    folder: Path,
    files: Sequence[Path],
    channels: int,
    resolution: int,
    classes: Sequence[str],
    split: str,
) -> Arrays:
    chosen = [files[index] for index in held_out(len(files), split, _TEST_SHARE, _SPLIT_SEED)]
    images, failures = decode_image(
        len(chosen), lambda index: Image.open(chosen[index], formats=FORMATS), channels, resolution
    )
    _complain(folder, chosen, failures)
    if not classes:
        return images, None
    labels: NDArray[np.int64] = np.array([classes.index(file.parent.name) for file in chosen])
    return images, labels


def _complain(folder: Path, files: Sequence[Path], failures: dict[int, str]) -> None:
    """Raise InputError for images that cannot be read: the first by name, and how many."""
    if failures:
        first = min(failures)
        others = f" ({len(failures)} such files in {folder})" if len(failures) > 1 else ""
        raise InputError(
            f"The image {files[first]} cannot be read: {failures[first]}{others}.",
            "Mend it or take it away.",
        )
