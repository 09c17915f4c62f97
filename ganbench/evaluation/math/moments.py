# SPDX-License-Identifier: MIT
"""Mean and covariance of features, in float64, gathered chunk by chunk."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ganbench.evaluation.math.arrays import Array, Features

_ROWS_AT_ONCE = 256
"""Rows whose products are summed at once."""


@dataclass(frozen=True)
class Moments:
    """The count, mean (d,), and covariance (d, d), with ddof 1, of features."""

    count: int
    mean: Array
    covariance: Array


class RunningMoments:
    """Sums of features and of their products, around a point near their mean.

    The sums are of x - c, where c is the mean of the first rows. Around the origin,
    E[xx^T] - mm^T would lose the digits by which the mean exceeds the spread.
    """

    def __init__(self) -> None:
        self.count = 0
        self._center: Array | None = None
        self._sum: Array | None = None
        self._products: Array | None = None
        self._waiting: list[Array] = []

    def add(self, features: Features) -> None:
        """Add features (B, d); B may be 0."""
        if len(features):
            self.count += len(features)
            self._waiting.append(np.array(features, dtype=np.float64))
        # A product of few rows costs as much as a product of many: the time goes into the sums.
        if sum(map(len, self._waiting)) >= _ROWS_AT_ONCE:
            self._add_waiting()

    def _add_waiting(self) -> None:
        if not self._waiting:
            return
        features = np.concatenate(self._waiting)  # (B, d)
        self._waiting.clear()
        if self._center is None or self._sum is None or self._products is None:
            self._center = features.mean(axis=0)
            self._sum = np.zeros_like(self._center)
            self._products = np.zeros((features.shape[1], features.shape[1]))
        centered = features - self._center
        self._sum += centered.sum(axis=0)
        self._products += centered.T @ centered

    def moments(self) -> Moments:
        """Return the moments of the features added so far.

        Raises:
            ValueError: Fewer than two samples were added.
        """
        self._add_waiting()
        if self.count < 2 or self._center is None or self._sum is None or self._products is None:
            raise ValueError(f"Moments need at least two samples, not {self.count}.")
        shift = self._sum / self.count
        covariance = (self._products - self.count * np.outer(shift, shift)) / (self.count - 1)
        return Moments(self.count, self._center + shift, covariance)


def moments(features: Features) -> Moments:
    """Return the moments of features (N, d), N >= 2."""
    values = np.asarray(features, dtype=np.float64)
    mean = values.mean(axis=0)
    centered = values - mean
    return Moments(len(values), mean, centered.T @ centered / (len(values) - 1))


def merged(first: Moments, second: Moments) -> Moments:
    """Return the moments of two sets together (Chan et al., 1979)."""
    count = first.count + second.count
    apart = second.mean - first.mean
    between = first.count * second.count / count * np.outer(apart, apart)
    within = (first.count - 1) * first.covariance + (second.count - 1) * second.covariance
    return Moments(
        count, first.mean + apart * (second.count / count), (within + between) / (count - 1)
    )
