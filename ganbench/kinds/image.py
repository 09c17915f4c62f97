# SPDX-License-Identifier: MIT
"""Images: pixels of eight bits, which networks see in [-1, 1], shown as a grid."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ganbench.gan import DataSpec
from ganbench.kinds.eight_bit import as_uint8, channels_last, finite_uint8, to_network
from ganbench.kinds.kind import FileWriter, Kind


class ImageKind(Kind):
    """Images; samples are uint8 (N, C, H, W)."""

    pictured: ClassVar = 64

    def to_network(self, samples: Tensor, data: DataSpec) -> Tensor:
        """Map uint8 images to float32 in [-1, 1]."""
        return to_network(samples)

    def to_samples(self, examples: Tensor, data: DataSpec) -> Tensor:
        """Map images in [-1, 1] to uint8 if all are finite."""
        return finite_uint8(examples)

    def measured(self, data: DataSpec) -> int:
        """Return 5,000 images, or VEEGAN's 26,000 where there are a thousand classes."""
        return 26_000 if data.classes >= 1000 else 5000

    def picture(self, samples: Tensor, data: DataSpec) -> Image.Image:
        """Return a grid of images."""
        return grid(as_uint8(samples))

    def arrays(self, samples: Tensor, data: DataSpec) -> dict[str, NDArray[Any]]:
        """Return ``images`` (N, H, W, C) uint8."""
        return {"images": channels_last(samples)}

    def file_writer(self, data: DataSpec) -> FileWriter:
        """Return how an image is written as PNG."""
        return FileWriter(".png", _write_png)


def _write_png(sample: Tensor, path: Path) -> None:
    as_image(channels_last(sample[None])[0]).save(path)


def as_image(pixels: NDArray[np.uint8]) -> Image.Image:
    """Return pixels (H, W, C) as a gray image where C is 1, and as an RGB image otherwise."""
    return Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels[:, :, :3])


def pairs(sources: Tensor, samples: Tensor) -> Tensor:
    """Put each sample next to the image that it was made from: (N, C, H, 2 W) uint8.

    Gray images become RGB next to color ones.

    Args:
        sources: The images (N, C, H, W) in [-1, 1] that samples were made from.
        samples: The samples (N, C, H, W), uint8 or floats.
    """
    halves = [as_uint8(sources), as_uint8(samples)]
    channels = max(half.shape[1] for half in halves)
    return torch.cat([half.expand(-1, channels, -1, -1) for half in halves], dim=3)


def grid(images: Tensor, *, padding: int = 2, least_width: int = 480) -> Image.Image:
    """Lay out images (N, C, H, W) uint8 as a square grid, and enlarge small images."""
    count, channels, height, width = images.shape
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    sheet = np.full(
        (rows * (height + padding) + padding, columns * (width + padding) + padding, channels),
        255,
        np.uint8,
    )
    for index, image in enumerate(images.permute(0, 2, 3, 1).numpy()):
        top = padding + index // columns * (height + padding)
        left = padding + index % columns * (width + padding)
        sheet[top : top + height, left : left + width] = image
    result = as_image(sheet)
    scale = max(1, round(least_width / result.width))
    return result.resize((result.width * scale, result.height * scale), Image.Resampling.NEAREST)
