# SPDX-License-Identifier: MIT
"""Sums of a kernel within and between two sets, blockwise in float64, and MMD^2 from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ganbench.evaluation.math.arrays import Array, Features
from ganbench.evaluation.math.blockwise import blocks

Kernel = Callable[[Array, Array], Array]
"""Maps features (A, d) and (B, d) to kernels (A, B), and may be written into afterwards."""

_BLOCK = 1024
_ROUNDING = 1e-12
"""The share of a mean of kernels that rounding may move."""


@dataclass(frozen=True)
class WithinSums:
    """Sums of the kernel over the pairs of one set of N samples, none paired with itself.

    Attributes:
        rows: (N,) sums over the other samples.
        squares: The sum of squared kernels over all ordered pairs.
        subsets: (R,) sums over the pairs in each of R subsets.
        diagonal: The sum of k(x, x).
    """

    rows: Array
    squares: float
    subsets: Array
    diagonal: float

    @property
    def mean(self) -> float:
        """The mean over ordered pairs of different samples."""
        return float(self.rows.sum()) / (len(self.rows) * (len(self.rows) - 1))


@dataclass(frozen=True)
class BetweenSums:
    """Sums of the kernel over pairs of M real and N generated samples.

    Attributes:
        columns: (N,) sums over the real samples.
        subsets: (R,) sums over the pairs of each of R subsets of both sets.
    """

    columns: Array
    subsets: Array


@dataclass(frozen=True)
class TwoSampleSums:
    """The sums of a kernel over M real and N generated samples."""

    real: WithinSums
    fake: WithinSums
    between: BetweenSums

    @property
    def unbiased(self) -> float:
        """MMD^2 as a U-statistic, without the diagonals; it may be negative."""
        m, n = len(self.real.rows), len(self.fake.rows)
        return self.real.mean + self.fake.mean - 2 * float(self.between.columns.sum()) / (m * n)

    @property
    def excess(self) -> float:
        """By how much the V-statistic, which has the diagonals, exceeds the U-statistic."""
        sides = (self.real, self.fake)
        return sum((side.diagonal / len(side.rows) - side.mean) / len(side.rows) for side in sides)

    def variance(self, count: int | None = None) -> float:
        """Return the variance of MMD^2 over ``count`` generated samples, the real ones fixed.

        Let g(y) be the mean kernel with the other generated samples minus the mean kernel with the
        real ones. The variance is 4 Var(g) / n, less the part that the noise of those means adds:
        2 z / n^2, with z the variance of the kernel that the means leave unexplained. A jackknife
        would keep that noise, and where both distributions are the same, there is nothing else.
        There, this estimate is up to 1.5 times the variance, because it takes Var(g) less its noise
        for 0 where it is negative. ``count`` None means as many as there are. The result is 0 for
        fewer than four samples, and for samples that are equal up to rounding.
        """
        n, m = len(self.fake.rows), len(self.real.rows)
        count = n if count is None else count
        if n < 4:
            return 0.0
        means = self.fake.rows / (n - 1)
        squares = self.fake.squares / (n * (n - 1))
        pairs = squares - self.fake.mean**2
        if pairs <= _ROUNDING * squares:
            pairs = 0.0
        unexplained = max(0.0, (pairs - 2 * float(means.var(ddof=1))) / (1 - 2 / (n - 1)))
        spread = float((means - self.between.columns / m).var(ddof=1))
        if spread <= (100 * _ROUNDING) ** 2 * squares:
            spread = 0.0
        first = max(spread - unexplained / (n - 1), 0.0)
        return 4 * first / count + 2 * unexplained / (count * (count - 1))


def two_sample_sums(
    real: Features,
    fake: Features,
    kernel: Kernel,
    *,
    real_subsets: Array | None = None,
    fake_subsets: Array | None = None,
) -> TwoSampleSums:
    """Return the sums of a kernel over real and generated features.

    Args:
        real: Features (M, d).
        fake: Features (N, d).
        kernel: Maps two blocks of features to the kernels of all their pairs.
        real_subsets: (R, M), 1 where a real sample is in a subset and 0 elsewhere.
        fake_subsets: (R, N), the same for the generated samples.
    """
    real_members = np.zeros((0, len(real))) if real_subsets is None else real_subsets
    fake_members = np.zeros((0, len(fake))) if fake_subsets is None else fake_subsets
    return TwoSampleSums(
        sums_within(real, kernel, real_members),
        sums_within(fake, kernel, fake_members),
        sums_between(real, fake, kernel, real_members, fake_members),
    )


def sums_within(features: Features, kernel: Kernel, members: Array) -> WithinSums:
    """Return the sums over features (N, d) and subsets (R, N); each pair is computed once."""
    sums = np.zeros(len(features))
    in_subsets = np.zeros(len(members))
    squares = diagonal = 0.0
    for rows in blocks(len(features), _BLOCK):
        row_values = np.asarray(features[rows], dtype=np.float64)  # (A, d)
        for columns in blocks(rows.stop, _BLOCK):
            same = columns.start == rows.start
            column_values = (
                row_values if same else np.asarray(features[columns], dtype=np.float64)
            )  # (B, d)
            kernels = kernel(row_values, column_values)  # (A, B)
            if same:
                diagonal += float(np.trace(kernels))
                np.fill_diagonal(kernels, 0.0)
            else:
                sums[columns] += kernels.sum(axis=0)
            times = 1 if same else 2
            sums[rows] += kernels.sum(axis=1)
            squares += times * float(np.vdot(kernels, kernels))
            in_subsets += times * _subset_sums(members[:, rows], kernels, members[:, columns])
    return WithinSums(sums, squares, in_subsets, diagonal)


def sums_between(
    real: Features, fake: Features, kernel: Kernel, real_members: Array, fake_members: Array
) -> BetweenSums:
    """Return the sums over real (M, d) and generated (N, d) features and their subsets."""
    sums = np.zeros(len(fake))
    in_subsets = np.zeros(len(fake_members))
    for rows in blocks(len(real), _BLOCK):
        row_values = np.asarray(real[rows], dtype=np.float64)  # (A, d)
        for columns in blocks(len(fake), _BLOCK):
            kernels = kernel(row_values, np.asarray(fake[columns], dtype=np.float64))  # (A, B)
            sums[columns] += kernels.sum(axis=0)
            in_subsets += _subset_sums(real_members[:, rows], kernels, fake_members[:, columns])
    return BetweenSums(sums, in_subsets)


def _subset_sums(rows: Array, kernels: Array, columns: Array) -> Array:
    """Return the sums (R,) of kernels (A, B) over subsets (R, A) of rows and (R, B) of columns."""
    sums: Array = np.einsum("rb,rb->r", rows @ kernels, columns)
    return sums
