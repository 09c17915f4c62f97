# SPDX-License-Identifier: MIT
"""Street View House Numbers, cropped digits."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from ganbench.data.array_source import Arrays, ArraySource, image_spec
from ganbench.data.dataset import Source
from ganbench.data.remote_files import MEND, Remote, damage, obtain
from ganbench.errors import InputError
from ganbench.registry import register


@register("svhn")
def svhn(root: Path | None = None, *, resolution: int | None = None) -> Source:
    """SVHN: 73,257 house-number digits and 26,032 held out, 32 x 32, color; no extra set."""
    spec = image_spec("svhn", 3, 32, resolution, classes=10)
    return ArraySource(spec, partial(_read, root), root=root)


def _read(root: Path | None, split: str) -> Arrays:
    names = [f"{split}_32x32.mat"]
    return read_mat(obtain("svhn", root, ("svhn", "SVHN", "."), names, _remotes)[0])


def _remotes() -> list[Remote]:
    """Return the files of both splits with the addresses and checksums that torchvision knows."""
    from torchvision.datasets import SVHN

    listed = [SVHN.split_list[split] for split in ("train", "test")]
    return [Remote(name, (url,), md5) for url, name, md5 in listed]


def read_mat(path: Path) -> Arrays:
    """Read images (N, 3, 32, 32) uint8 and labels (N,) from a MATLAB file of version 5.

    The file has X (32, 32, 3, N) and y (N, 1), where the digit 0 is written as 10.

    Raises:
        InputError: the file cannot be read, or does not hold such arrays.
    """
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        with damage(path):
            arrays = loadmat(path, variable_names=["X", "y"])
            images, labels = arrays["X"], arrays["y"].reshape(-1)
    except (ValueError, TypeError, LookupError, NotImplementedError, MatReadError) as error:
        raise InputError(f"{path} cannot be read: {error}.", MEND) from error
    if images.dtype != np.uint8 or images.shape != (32, 32, 3, len(labels)):
        raise InputError(
            f"{path} does not hold digits: X (32, 32, 3, N) and y (N, 1) were expected, "
            f"not {images.shape} and {labels.shape}.",
            MEND,
        )
    return np.ascontiguousarray(images.transpose(3, 2, 0, 1)), labels % 10
