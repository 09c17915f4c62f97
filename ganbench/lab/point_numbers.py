# SPDX-License-Identifier: MIT
"""How well generated points cover the data, in numbers with their floors, quick enough to be live.

Modes, high-quality share and reverse KL are the registered metrics. The Jensen-Shannon divergence
compares the samples' histogram with the exact mass of the mixture in each cell, or with the
histogram of all real points where the density is not known; what lies outside the picture is a
cell of its own. A floor is the expected value of samples that are drawn from the data's
distribution, at the same count; only a generator that copies the data can be expected below it.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from ganbench.evaluation.evidence import Evidence
from ganbench.evaluation.math.mode_divergence import expected_of_even, kl_divergence
from ganbench.evaluation.mode_counts import count_modes
from ganbench.gan import Mixture
from ganbench.lab.point_bounds import PointBounds

CELLS = 32
"""The histogram has this many cells along each axis."""

_DRAWS = 32
_COARSE = 50
"""Floors of the reverse KL are computed at multiples of this count."""


def jensen_shannon(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Return the Jensen-Shannon divergence of two distributions (K,) in nats, from 0 to log 2.

    Paper: Lin, Divergence measures based on the Shannon entropy, 1991, doi:10.1109/18.61115

    >>> round(jensen_shannon(np.array([1.0, 0.0]), np.array([0.0, 1.0])), 4)
    0.6931
    """
    middle = (first + second) / 2
    entropies = [-xlogy(shares, shares).sum() for shares in (middle, first, second)]
    return max(0.0, float(entropies[0] - (entropies[1] + entropies[2]) / 2))


class PointNumbers:
    """The numbers of a dataset of points in the plane.

    Args:
        reals: Real points (N, 2).
        mixture: The density that they follow, if it is known.
        bounds: The part of the plane that the histogram covers.
    """

    def __init__(
        self, reals: NDArray[np.float32], mixture: Mixture | None, bounds: PointBounds
    ) -> None:
        self._mixture = mixture
        self._bounds = bounds
        if mixture is None:
            self._masses = bounds.counts(reals, CELLS) / len(reals)
        else:
            self._masses = bounds.masses(mixture, CELLS)
        self.modes = None if mixture is None else len(mixture.centers)
        """The number of modes there are; None where it is not known."""

    def of(self, points: NDArray[np.float32]) -> dict[str, float | None]:
        """Return the numbers of generated points (n, 2), by name; None where there is no value."""
        values = self._of_modes(points)
        counts = self._bounds.counts(points, CELLS)
        values["js"] = jensen_shannon(self._masses, counts / len(points))
        values["js_floor"] = self._floor(len(points))
        return values

    def _of_modes(self, points: NDArray[np.float32]) -> dict[str, float | None]:
        names = ("modes", "high_quality", "reverse_kl", "reverse_kl_floor")
        if self._mixture is None or not np.isfinite(points).all():
            return dict.fromkeys(names)
        evidence = Evidence(len(points), points=points.astype(np.float64), mixture=self._mixture)
        counts = count_modes(evidence, "modes")
        if not counts.counted:
            return dict(zip(names, (0.0, 0.0, None, None), strict=True))
        coarse = max(_COARSE, round(counts.counted / _COARSE) * _COARSE)
        values = (
            float(counts.covered),
            counts.counted / counts.samples,
            float(kl_divergence(counts.per_mode[None])[0]),
            expected_of_even(counts.modes, coarse),
        )
        return dict(zip(names, values, strict=True))

    @lru_cache(maxsize=8)  # noqa: B019 - one object for each run
    def _floor(self, count: int) -> float:
        draws = np.random.default_rng(0).multinomial(
            count, self._masses / self._masses.sum(), _DRAWS
        )
        return float(np.mean([jensen_shannon(self._masses, draw / count) for draw in draws]))
