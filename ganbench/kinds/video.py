# SPDX-License-Identifier: MIT
"""Videos: frames of pixels of eight bits, which networks see in [-1, 1], shown as film strips."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ganbench.gan import DataSpec
from ganbench.kinds.eight_bit import as_uint8, channels_last, finite_uint8, to_network
from ganbench.kinds.image import as_image
from ganbench.kinds.kind import FileWriter, Kind

STRIP_FRAMES = 16
"""The most frames of a video that a film strip shows."""

FRAME_MILLISECONDS = 125
"""How long a frame is shown in a file."""


class VideoKind(Kind):
    """Videos; samples are uint8 (N, C, T, H, W)."""

    pictured: ClassVar = 8

    def to_network(self, samples: Tensor, data: DataSpec) -> Tensor:
        """Map uint8 videos to float32 in [-1, 1]."""
        return to_network(samples)

    def to_samples(self, examples: Tensor, data: DataSpec) -> Tensor:
        """Map videos in [-1, 1] to uint8 if all are finite."""
        return finite_uint8(examples)

    def measured(self, data: DataSpec) -> int:
        """Return 2,048 videos."""
        return 2048

    def picture(self, samples: Tensor, data: DataSpec) -> Image.Image:
        """Return film strips, a row for each video."""
        return film_strips(as_uint8(samples))

    def arrays(self, samples: Tensor, data: DataSpec) -> dict[str, NDArray[Any]]:
        """Return ``videos`` (N, T, H, W, C) uint8."""
        return {"videos": channels_last(samples)}

    def file_writer(self, data: DataSpec) -> FileWriter:
        """Return how a video is written as an animated WebP, without loss."""
        return FileWriter(".webp", _write_webp)


def _write_webp(sample: Tensor, path: Path) -> None:
    first, *others = [as_image(frame) for frame in channels_last(sample[None])[0]]
    first.save(
        path,
        format="WEBP",
        save_all=True,
        append_images=others,
        duration=FRAME_MILLISECONDS,
        loop=0,
        lossless=True,
    )


def film_strips(
    videos: Tensor, *, frames: int = STRIP_FRAMES, padding: int = 2, least_width: int = 480
) -> Image.Image:
    """Lay out videos (N, C, T, H, W) uint8 as rows of frames, and enlarge small ones.

    Of a longer video ``frames`` frames are shown, evenly spaced from the first to the last. The
    perforation above and below each row tells time from a grid of images.
    """
    count, channels, length, height, width = videos.shape
    shown = np.unique(np.linspace(0, length - 1, min(length, frames)).round().astype(int))
    scale = max(1, round(least_width / (len(shown) * (width + padding) + padding)))
    pixels = videos[:, :, shown.tolist()].permute(0, 2, 3, 4, 1).numpy()  # (N, T, H, W, C)
    pixels = pixels.repeat(scale, axis=2).repeat(scale, axis=3)
    edge, gap = max(8, height * scale // 8), 8
    strip_height = height * scale + 2 * edge
    strip_width = len(shown) * (width * scale + padding) + padding
    sheet = np.full((count * (strip_height + gap) - gap, strip_width, channels), 255, np.uint8)
    for row, video in enumerate(pixels):
        top = row * (strip_height + gap)
        strip = sheet[top : top + strip_height]
        strip[:] = 24
        for hole in range(edge // 2, strip_width - edge // 2, 2 * edge):
            for middle in (edge // 2, strip_height - edge // 2):
                quarter = edge // 4
                strip[middle - quarter : middle + quarter, hole : hole + edge] = 235
        for column, frame in enumerate(video):
            left = padding + column * (width * scale + padding)
            strip[edge : edge + height * scale, left : left + width * scale] = frame
    return as_image(sheet)
