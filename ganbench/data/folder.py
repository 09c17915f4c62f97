# SPDX-License-Identifier: MIT
"""Image files as a dataset: a folder or an archive, nested, of mixed formats, sizes and modes.

``ganbench.data.image_files`` says what is read, ``ganbench.data.square_images`` how each image
becomes a square of 8-bit pixels, ``ganbench.data.image_labels`` what the classes are. Nine tenths
are for training, and the last tenth of a fixed permutation is held out.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ganbench.data.array_source import (
    SPLIT_SEED,
    TEST_SHARE,
    Arrays,
    ArraySource,
    held_out,
    image_spec,
)
from ganbench.data.dataset import Source
from ganbench.data.image_files import ImageFiles, shown
from ganbench.data.image_formats import EXPECTED_ENDINGS, ImageHeader, header_of, open_image
from ganbench.data.image_labels import image_labels, notices_of
from ganbench.data.open_image_files import open_image_files
from ganbench.data.square_images import decode_images, in_threads, to_eight_bit
from ganbench.errors import InputError, MissingDataError

_RULES = 1
"""Version of how images are read and split; raised when a change alters pixels or splits."""

_NATURAL_SIZES = (28, 32, 64, 128)
_DEFAULT_SIZE = 32


@dataclass(frozen=True)
class _FileFacts:
    """Facts from the header and the bytes of one file."""

    header: ImageHeader
    digest: str


def open_images(path: Path, resolution: int | None = None) -> Source:
    """Open a folder or an archive of images; every file is decoded once, to know what is in it.

    Without a resolution it is 28, 32, 64 or 128 where all images are squares of that size, and 32
    otherwise. The images are gray if all of them are stored without color, and RGB otherwise. The
    version is a hash of names and contents, and of what ``dataset.json`` says of classes.

    Raises:
        MissingDataError: there is no such folder or file.
        InputError: the path is neither a folder nor an archive, or holds fewer than two images,
            or damaged images.
    """
    if not path.exists():
        raise MissingDataError(
            f"There is no folder or file {path}.", "See what is built in: ganbench ls datasets"
        )
    path = path.resolve()
    files = open_image_files(path)
    if len(files.names) < 2:
        raise InputError(
            f"{path} holds only one image; at least two were expected, in files that end in "
            f"{EXPECTED_ENDINGS}."
        )
    labels = image_labels(files)
    facts = _examine(files)
    digest = hashlib.sha256()
    for name, file_facts in zip(files.names, facts, strict=True):
        digest.update(os.fsencode(f"{name}\0{file_facts.digest}\n"))
    if labels.from_file:
        named = labels.labels
        digest.update(b"no labels" if named is None else b"labels" + named.astype("<i8").tobytes())
    spec = image_spec(
        str(path),
        1 if all(file_facts.header.gray for file_facts in facts) else 3,
        _natural_size([file_facts.header for file_facts in facts]),
        resolution,
        version=f"{_RULES}-{digest.hexdigest()[:16]}",
        classes=labels.classes,
    )
    return ArraySource(
        spec,
        partial(_read, files, labels.labels, spec.channels, spec.resolution),
        passed_over=files.passed_over,
        notices=notices_of(path, files.passed_over, labels),
    )


def _examine(files: ImageFiles) -> list[_FileFacts]:
    facts: dict[int, _FileFacts] = {}
    with files.opened() as read:

        def examine_file(index: int) -> None:
            data = read(files.names[index])
            with open_image(data) as image:
                header = header_of(image)
                to_eight_bit(image, header.shape[0])  # damage is found now, not after training
            facts[index] = _FileFacts(header, hashlib.sha256(data).hexdigest())

        failures = in_threads(len(files.names), examine_file)
    _check_failures(files, files.names, failures)
    return [facts[index] for index in range(len(files.names))]


def _natural_size(headers: Sequence[ImageHeader]) -> int:
    sizes = {header.size for header in headers}
    return next((side for side in _NATURAL_SIZES if sizes == {(side, side)}), _DEFAULT_SIZE)


def _read(
    files: ImageFiles,
    labels: NDArray[np.int64] | None,
    channels: int,
    resolution: int,
    split: str,
) -> Arrays:
    chosen = held_out(len(files.names), split, TEST_SHARE, SPLIT_SEED)
    names = [files.names[index] for index in chosen]
    with files.opened() as read:
        images, failures = decode_images(
            len(names), lambda index: open_image(read(names[index])), channels, resolution
        )
    _check_failures(files, names, failures)
    return images, None if labels is None else labels[chosen]


def _check_failures(files: ImageFiles, names: Sequence[str], failures: dict[int, str]) -> None:
    """Raise InputError if images cannot be read: it names the first, and counts them."""
    if failures:
        first = min(failures)
        count = len(failures)
        others = f" ({count} such files in {files.path})" if count > 1 else ""
        raise InputError(
            f"The image {files.path / shown(names[first])} cannot be read: "
            f"{failures[first]}{others}.",
            "Repair the file, or remove it.",
        )
