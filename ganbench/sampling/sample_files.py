# SPDX-License-Identifier: MIT
"""Samples as files: a single picture, a folder of pictures, or an array."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor

from ganbench.data.dataset import to_uint8
from ganbench.gan import DataSpec
from ganbench.records.atomic_files import replacing, storage_errors
from ganbench.sampling.draw import picture


def write_picture(samples: Tensor, data: DataSpec, path: Path) -> None:
    """Write samples, as ``draw`` makes them, as a single PNG."""
    with replacing(path) as temporary:
        picture(samples, data).save(temporary, format="PNG", optimize=True)


def write_files(samples: Tensor, folder: Path) -> None:
    """Write images (N, C, H, W) as ``00000.png`` and so on."""
    images = as_pixels(samples)
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for index, image in enumerate(images):
            pixels = image[:, :, 0] if image.shape[2] == 1 else image
            Image.fromarray(pixels).save(folder / f"{index:05d}.png")


def write_npz(samples: Tensor, data: DataSpec, path: Path) -> None:
    """Write images as ``images`` (N, H, W, C) uint8, points as ``points`` (N, D) float32."""
    with replacing(path) as temporary, temporary.open("wb") as file:
        if data.is_image:
            np.savez_compressed(file, images=as_pixels(samples))
        else:
            np.savez_compressed(file, points=samples.numpy())


def as_pixels(samples: Tensor) -> np.ndarray:
    """Return images (N, H, W, C) uint8; NaN becomes gray, and infinite values black or white."""
    images = samples if samples.dtype.is_floating_point is False else to_uint8(samples.nan_to_num())
    return images.permute(0, 2, 3, 1).contiguous().numpy()
