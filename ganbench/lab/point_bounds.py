# SPDX-License-Identifier: MIT
"""The part of the plane that the lab shows, and places in it as 16-bit numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from ganbench.gan import Mixture

_MARGIN = 1.35
_MOST = 65535


@dataclass(frozen=True)
class PointBounds:
    """A square of the plane, by its lower left and upper right corner."""

    low: tuple[float, float]
    high: tuple[float, float]

    @staticmethod
    def around(points: NDArray[np.float32]) -> PointBounds:
        """Return a square around points (N, 2), with a margin."""
        low, high = points.min(axis=0), points.max(axis=0)
        reach = _MARGIN * max(float((high - low).max()) / 2, 1e-3)
        center = (low + high) / 2
        lower, upper = (center - reach).tolist(), (center + reach).tolist()
        return PointBounds((lower[0], lower[1]), (upper[0], upper[1]))

    def pairs(self) -> list[list[float]]:
        """Return the lowest and highest value of each axis."""
        return [list(pair) for pair in zip(self.low, self.high, strict=True)]

    def quantized(self, points: NDArray[np.floating]) -> NDArray[np.uint16]:
        """Return points (..., 2) as numbers from 0 to 65535; what is outside is on the edge."""
        shares = (points - np.array(self.low)) / (np.array(self.high) - np.array(self.low))
        places: NDArray[np.uint16] = np.round(_MOST * np.nan_to_num(shares).clip(0, 1)).astype("u2")
        return places

    def cell_centers(self, cells: int) -> NDArray[np.float32]:
        """Return the centers of cells x cells cells, (cells ** 2, 2), from the lowest row on."""
        shares = (np.arange(cells) + 0.5) / cells
        x, y = (low + shares * (high - low) for low, high in self.pairs())
        grid = np.stack(np.meshgrid(x, y), axis=-1)  # (rows, columns, 2)
        return grid.reshape(-1, 2).astype(np.float32)

    def counts(self, points: NDArray[np.floating], cells: int) -> NDArray[np.int64]:
        """Count points (N, 2) by cell, with those outside last: (cells ** 2 + 1,)."""
        low, high = np.array(self.low), np.array(self.high)
        with np.errstate(invalid="ignore"):
            places = np.floor((points - low) / (high - low) * cells)
            inside = ((places >= 0) & (places < cells)).all(axis=1)  # False for NaN
        columns, rows = places[inside].astype(np.int64).T
        counts = np.bincount(rows * cells + columns, minlength=cells**2)
        return np.append(counts, len(points) - inside.sum())

    def masses(self, mixture: Mixture, cells: int) -> NDArray[np.float64]:
        """Return the exact mass of a mixture in each cell, and outside: (cells ** 2 + 1,)."""
        per_axis = []
        for axis, (low, high) in enumerate(self.pairs()):
            edges = np.linspace(low, high, cells + 1)
            centers = np.array(mixture.centers)[:, axis]
            below = ndtr((edges - centers[:, None]) / mixture.sigma)  # (K, cells + 1)
            per_axis.append(np.diff(below, axis=1))
        inside = np.einsum("kx,ky->yx", *per_axis).reshape(-1) / len(mixture.centers)
        return np.append(inside, max(0.0, 1.0 - inside.sum()))
