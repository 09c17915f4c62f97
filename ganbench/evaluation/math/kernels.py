# SPDX-License-Identifier: MIT
"""Sums of a kernel within and between two sets, blockwise in float64, and MMD^2 from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ganbench.evaluation.math.blocks import parts
from ganbench.evaluation.math.moments import Array
from ganbench.evaluation.metric import Features

Kernel = Callable[[Array, Array], Array]
"""Maps features (A, d) and (B, d) to (A, B)."""
_BLOCK = 1024


@dataclass(frozen=True)
class Within:
    """Sums over the pairs of one set of N, none with itself, and over its diagonal.

    ``rows`` (N,) are sums over the others, ``squares`` that of squared kernels over all ordered
    pairs, ``chosen`` (R,) those over the pairs in each of R subsets, and ``diagonal`` that of
    k(x, x).
    """

    rows: Array
    squares: float
    chosen: Array
    diagonal: float

    @property
    def mean(self) -> float:
        """The mean over ordered pairs of different samples."""
        return float(self.rows.sum()) / (len(self.rows) * (len(self.rows) - 1))


@dataclass(frozen=True)
class Between:
    """``columns`` (N,): sums over the M of the other set; ``chosen`` (R,): over subsets' pairs."""

    columns: Array
    chosen: Array


@dataclass(frozen=True)
class TwoSample:
    """The sums of a kernel over M real and N generated samples."""

    real: Within
    fake: Within
    between: Between

    @property
    def unbiased(self) -> float:
        """MMD^2 as a U-statistic: without the diagonals; it may be negative."""
        m, n = len(self.real.rows), len(self.fake.rows)
        return self.real.mean + self.fake.mean - 2 * float(self.between.columns.sum()) / (m * n)

    @property
    def excess(self) -> float:
        """How much the V-statistic, which has the diagonals, lies above the U-statistic."""
        sides = (self.real, self.fake)
        return sum((side.diagonal / len(side.rows) - side.mean) / len(side.rows) for side in sides)

    def variance(self, count: int | None = None) -> float:
        """Return the variance of MMD^2 over ``count`` generated samples, the real ones fixed.

        With g(y) the mean kernel with the other generated samples less that with the real ones,
        it is 4 Var(g) / n, less what the noise of those means adds to it: 2 z / n^2, with z the
        variance of the kernel that the means leave unexplained. A jackknife would keep that
        noise, which is all there is where both distributions are the same; there this is up to
        1.5 times the variance, as it takes Var(g) less its noise for 0 where it is below.
        ``count`` None means as many as there are; 0 is returned for fewer than four.
        """
        n, m = len(self.fake.rows), len(self.real.rows)
        count = n if count is None else count
        if n < 4:
            return 0.0
        means = self.fake.rows / (n - 1)
        pairs = self.fake.squares / (n * (n - 1)) - self.fake.mean**2
        unexplained = max(0.0, (pairs - 2 * float(means.var(ddof=1))) / (1 - 2 / (n - 1)))
        spread = float((means - self.between.columns / m).var(ddof=1))
        first = max(spread - unexplained / (n - 1), 0.0)
        return 4 * first / count + 2 * unexplained / (count * (count - 1))


def two_sample(
    real: Features,
    fake: Features,
    kernel: Kernel,
    *,
    real_subsets: Array | None = None,
    fake_subsets: Array | None = None,
) -> TwoSample:
    """Return the sums of a kernel over real (M, d) and generated (N, d) features.

    ``real_subsets`` (R, M) and ``fake_subsets`` (R, N) hold 1 where a sample is in a subset.
    """
    real_chosen = np.zeros((0, len(real))) if real_subsets is None else real_subsets
    fake_chosen = np.zeros((0, len(fake))) if fake_subsets is None else fake_subsets
    return TwoSample(
        within(real, kernel, real_chosen),
        within(fake, kernel, fake_chosen),
        between(real, fake, kernel, real_chosen, fake_chosen),
    )


def within(features: Features, kernel: Kernel, chosen: Array) -> Within:
    """Return the sums over features (N, d) and subsets (R, N); each pair is computed once."""
    sums = np.zeros(len(features))
    in_subsets = np.zeros(len(chosen))
    squares = diagonal = 0.0
    for rows in parts(len(features), _BLOCK):
        mine = np.asarray(features[rows], dtype=np.float64)
        for columns in parts(rows.stop, _BLOCK):
            same = columns.start == rows.start
            other = mine if same else np.asarray(features[columns], dtype=np.float64)
            block = kernel(mine, other)
            if same:
                diagonal += float(np.trace(block))
                np.fill_diagonal(block, 0.0)
            else:
                sums[columns] += block.sum(axis=0)
            times = 1 if same else 2
            sums[rows] += block.sum(axis=1)
            squares += times * float(np.vdot(block, block))
            in_subsets += times * _chosen(chosen[:, rows], block, chosen[:, columns])
    return Within(sums, squares, in_subsets, diagonal)


def between(
    real: Features, fake: Features, kernel: Kernel, real_chosen: Array, fake_chosen: Array
) -> Between:
    """Return the sums over real (M, d) and generated (N, d) features and their subsets."""
    sums = np.zeros(len(fake))
    in_subsets = np.zeros(len(fake_chosen))
    for rows in parts(len(real), _BLOCK):
        mine = np.asarray(real[rows], dtype=np.float64)
        for columns in parts(len(fake), _BLOCK):
            block = kernel(mine, np.asarray(fake[columns], dtype=np.float64))
            sums[columns] += block.sum(axis=0)
            in_subsets += _chosen(real_chosen[:, rows], block, fake_chosen[:, columns])
    return Between(sums, in_subsets)


def _chosen(rows: Array, block: Array, columns: Array) -> Array:
    """Return the sums (R,) of a block (A, B) over subsets (R, A) of rows and (R, B) of columns."""
    found: Array = np.einsum("rb,rb->r", rows @ block, columns)
    return found
