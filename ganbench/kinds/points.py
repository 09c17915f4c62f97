# SPDX-License-Identifier: MIT
"""Points: D coordinates, which networks see as they are, shown in the plane."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from torch import Tensor

from ganbench.gan import DataSpec
from ganbench.kinds.kind import Kind


class PointsKind(Kind):
    """Points; samples are float32 (N, D)."""

    pictured: ClassVar = 2500

    def to_network(self, samples: Tensor, data: DataSpec) -> Tensor:
        """Return points as they are."""
        return samples

    def to_samples(self, examples: Tensor, data: DataSpec) -> Tensor:
        """Return points as float32."""
        return examples.float()

    def measured(self, data: DataSpec) -> int:
        """Return PacGAN's 2,500 points."""
        return 2500

    def picture(self, samples: Tensor, data: DataSpec) -> Image.Image:
        """Return the plane of the first two coordinates."""
        return plane(samples, data)

    def arrays(self, samples: Tensor, data: DataSpec) -> dict[str, NDArray[Any]]:
        """Return ``points`` (N, D) float32."""
        return {"points": samples.numpy()}


def plane(points: Tensor, data: DataSpec, *, size: int = 480) -> Image.Image:
    """Draw the first two coordinates of points (N, D) over the centers of their mixture.

    Points with one coordinate lie on a line. Points that are not finite or far outside are left
    out.
    """
    centers = np.array(data.mixture.centers if data.mixture else [[-1.0, -1.0], [1.0, 1.0]])
    low, high = centers.min(), centers.max()
    if data.mixture and low == high:  # one mode, whose width is all there is to see
        low, high = low - 4 * data.mixture.sigma, high + 4 * data.mixture.sigma
    margin = 0.25 * (high - low)
    scale = 2  # drawn at twice the size, then reduced: that smooths the edges
    canvas = Image.new("RGB", (size * scale, size * scale), "white")
    pen = ImageDraw.Draw(canvas, "RGBA")

    def pixels_of(coordinates: np.ndarray) -> np.ndarray:
        planar = np.zeros((len(coordinates), 2))
        planar[:, : coordinates.shape[1]] = coordinates[:, :2]
        fractions = (planar - low + margin) / (high - low + 2 * margin)
        near = (np.abs(fractions) < 2).all(axis=1)  # False for NaN
        pixels: np.ndarray = fractions[near] * (1, -1) * size * scale + (0, size * scale)
        return pixels

    for x, y in pixels_of(centers):
        pen.ellipse((x - 14, y - 14, x + 14, y + 14), outline=(90, 90, 90, 255), width=2)
    for x, y in pixels_of(points.double().numpy()):
        pen.ellipse((x - 3, y - 3, x + 3, y + 3), fill=(0, 114, 178, 90))
    return canvas.resize((size, size), Image.Resampling.LANCZOS)
