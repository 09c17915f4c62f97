# SPDX-License-Identifier: MIT
"""Street View House Numbers, cropped digits."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from ganbench.data.array_source import Arrays, ArraySource, image_spec
from ganbench.data.dataset import Source
from ganbench.data.remote_files import REPLACE_HINT, RemoteFile, obtain_files, reading
from ganbench.data.square_images import failure_reason
from ganbench.errors import InputError
from ganbench.progress import SILENT, Progress
from ganbench.registry import register


@register("svhn")
def svhn(
    root: Path | None = None, *, resolution: int | None = None, progress: Progress = SILENT
) -> Source:
    """SVHN: 73,257 house-number digits and 26,032 held out, 32 x 32, color; no extra set."""
    spec = image_spec("svhn", 3, 32, resolution, classes=10)
    return ArraySource(spec, partial(_read, root, progress), root=root)


def _read(root: Path | None, progress: Progress, split: str) -> Arrays:
    names, folders = [f"{split}_32x32.mat"], ("svhn", "SVHN", ".")
    files = obtain_files("svhn", root, folders, names, _remote_files, progress=progress)
    return read_mat(files[0])


def _remote_files() -> list[RemoteFile]:
    """Return the files of both splits with the addresses and checksums that torchvision knows."""
    from torchvision.datasets import SVHN

    rows = [SVHN.split_list[split] for split in ("train", "test")]
    return [RemoteFile(name, (address,), md5) for address, name, md5 in rows]


def read_mat(path: Path) -> Arrays:
    """Read images (N, 3, 32, 32) uint8 and labels (N,) from a MATLAB file of version 5.

    The file has X (32, 32, 3, N) and y (N, 1), where the digit 0 is written as 10.

    Raises:
        InputError: the file cannot be read, or does not hold such arrays.
    """
    from scipy.io import loadmat

    try:
        with reading(path):
            arrays = loadmat(path, variable_names=["X", "y"])
            images, labels = arrays["X"], arrays["y"].reshape(-1)
    except InputError:
        raise
    except Exception as error:  # scipy raises anything for a damaged file
        raise InputError(
            f"{path} cannot be read: {failure_reason(error)}.", REPLACE_HINT
        ) from error
    are_digits = labels.dtype.kind in "iuf" and bool(np.isin(labels, np.arange(1, 11)).all())
    if images.dtype != np.uint8 or images.shape != (32, 32, 3, len(labels)) or not are_digits:
        raise InputError(
            f"{path} does not hold digits: X (32, 32, 3, N) and y (N, 1) from 1 to 10 were "
            f"expected, not {images.dtype} {images.shape} and {labels.dtype} {labels.shape}.",
            REPLACE_HINT,
        )
    return np.ascontiguousarray(images.transpose(3, 2, 0, 1)), labels % 10
