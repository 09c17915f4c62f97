# SPDX-License-Identifier: MIT
"""Files in the idx format, packed or not: MNIST and the datasets modeled on it.

The files are looked for in torchvision's layout (``MNIST/raw``), in a folder named after the
dataset (``fashion-mnist``, where Debian's package puts it), and directly in the data folder. The
three datasets use the same file names, so the first labels tell which dataset the files hold.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Mapping
from functools import partial
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ganbench.data.array_source import Arrays, ArraySource, image_spec
from ganbench.data.dataset import Source
from ganbench.data.image_files import FREE_BYTES, UNPACKED_RATIO, bounded
from ganbench.data.remote_files import REPLACE_HINT, RemoteFile, obtain_files, reading
from ganbench.errors import InputError
from ganbench.progress import Progress

if TYPE_CHECKING:
    from torchvision.datasets import MNIST

_TORCHVISION_NAMES = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST", "kmnist": "KMNIST"}
_HINTS = {"fashion-mnist": "On Debian: apt-get install dataset-fashion-mnist"}
_FIRST_LABELS: Mapping[str, tuple[bytes, ...]] = {
    "mnist": (bytes([5, 0, 4, 1, 9, 2, 1, 3, 1, 4]), bytes([7, 2, 1, 0, 4, 1, 4, 9, 5, 9])),
    "fashion-mnist": (bytes([9, 0, 0, 3, 0, 2, 7, 2, 5, 5]), bytes([9, 2, 1, 1, 6, 1, 4, 6, 5, 7])),
}
_FILES = {
    "train": ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
    "test": ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"),
}
_UNSIGNED_BYTES = 0x08


def idx_source(
    name: str, network: str | None, root: Path | None, resolution: int | None, progress: Progress
) -> Source:
    """Return MNIST, Fashion-MNIST or KMNIST; ``network`` measures it unless another is named."""
    spec = image_spec(name, 1, 28, resolution, classes=10, network=network)
    return ArraySource(spec, partial(_read, name, root, progress), root=root)


def _read(name: str, root: Path | None, progress: Progress, split: str) -> Arrays:
    """Return images (N, 1, 28, 28) and labels (N,) of a split."""
    folder = _TORCHVISION_NAMES[name]
    folders = (f"{folder}/raw", name, f"{name}/raw", folder, ".")
    image_file, label_file = obtain_files(
        name,
        root,
        folders,
        _FILES[split],
        partial(_remote_files, name),
        hint=_HINTS.get(name, ""),
        progress=progress,
    )
    images, labels = read_idx(image_file, 3), read_idx(label_file, 1)
    if images.shape != (len(labels), 28, 28):
        raise InputError(
            f"{image_file} and {label_file.name} do not belong together: "
            f"images {images.shape}, labels {labels.shape}."
        )
    for other, first in _FIRST_LABELS.items():
        if other != name and labels[:10].tobytes() == first[split == "test"]:
            raise InputError(
                f"{label_file} belongs to {other}, not to {name}.", f"Use it by --dataset {other}"
            )
    return images[:, None], labels


def _remote_files(name: str) -> list[RemoteFile]:
    """Return the files of both splits with the addresses and checksums that torchvision knows."""
    from torchvision import datasets

    dataset: type[MNIST] = getattr(datasets, _TORCHVISION_NAMES[name])
    return [
        RemoteFile(file, tuple(mirror + file for mirror in dataset.mirrors), md5)
        for file, md5 in dataset.resources
    ]


def read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """Read an idx file of unsigned bytes, packed with gzip or not, into an array of that rank.

    Raises:
        InputError: the file is not in this format, is cut short, or continues after its end.
    """
    data = _read_bytes(path)
    header = 4 + 4 * dimensions
    if len(data) < header or data[:4] != bytes([0, 0, _UNSIGNED_BYTES, dimensions]):
        raise InputError(
            f"{path} is not an idx file of {dimensions}-dimensional bytes.", REPLACE_HINT
        )
    shape = tuple(int(n) for n in np.frombuffer(data, ">u4", dimensions, 4))
    if len(data) != header + prod(shape):
        raise InputError(
            f"{path} is damaged: {header + prod(shape)} bytes were expected, not {len(data)}.",
            REPLACE_HINT,
        )
    return np.frombuffer(data, np.uint8, offset=header).reshape(shape)


def _read_bytes(path: Path) -> bytes:
    with reading(path):
        data = path.read_bytes()
        if data[:2] != b"\x1f\x8b":
            return data
        with gzip.open(io.BytesIO(data)) as file:
            return bounded(file, max(FREE_BYTES, UNPACKED_RATIO * len(data)))
