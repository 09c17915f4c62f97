# SPDX-License-Identifier: MIT
"""What can be said of a few numbers: intervals, paired differences, tests, improvement.

Every result carries the count of values behind it. One value has no interval: a spread cannot be
seen in it, and none is invented. Whatever draws random numbers takes a seed and, given the same
seed, returns the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]
Better = Literal["higher", "lower"]

MOST_EXACT_PAIRS = 16
"""Up to so many pairs all 2^n sign patterns are enumerated; beyond, some are drawn."""


@dataclass(frozen=True)
class Estimate:
    """A statistic of ``n`` values with its interval, which is None where there can be none."""

    value: float
    low: float | None
    high: float | None
    n: int
    method: str


@dataclass(frozen=True)
class PairedDifference:
    """The mean of treatment minus baseline over ``n`` pairs that share their seeds.

    ``p_value`` is that of the two-sided sign-flip test; ``smallest_p_value`` is the least that
    this many pairs can give, 2 / 2^n: with five pairs no outcome comes below 0.0625.
    """

    difference: Estimate
    p_value: float
    smallest_p_value: float
    exact: bool

    @property
    def n(self) -> int:
        """The number of pairs."""
        return self.difference.n


@dataclass(frozen=True)
class Improvement:
    """The probability that a random run of one variant beats a random run of another.

    ``low`` and ``high`` are a percentile bootstrap interval, None where a side has one value.
    """

    probability: float
    low: float | None
    high: float | None
    n: int
    m: int


def _checked(values: Sequence[float] | Array) -> Array:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or array.size == 0:
        raise ValueError("One or more values in one dimension were expected.")
    if not np.isfinite(array).all():
        raise ValueError("Finite values were expected.")
    return array


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise ValueError(f"A confidence between 0 and 1 was expected, not {confidence}.")


def mean_interval(values: Sequence[float], *, confidence: float = 0.95) -> Estimate:
    """Return the mean with Student's t interval; no interval for one value.

    Raises:
        ValueError: no values, or values that are not finite.
    """
    array = _checked(values)
    _check_confidence(confidence)
    n, mean = array.size, float(array.mean())
    if n == 1:
        return Estimate(mean, None, None, n, "t")
    error = float(array.std(ddof=1)) / n**0.5
    half = float(stats.t.ppf((1 + confidence) / 2, n - 1)) * error
    return Estimate(mean, mean - half, mean + half, n, "t")


def bootstrap_interval(
    values: Sequence[float],
    statistic: Callable[..., NDArray[np.float64]] = np.mean,
    *,
    method: Literal["percentile", "bca"] = "bca",
    confidence: float = 0.95,
    resamples: int = 10_000,
    seed: int = 0,
) -> Estimate:
    """Return a statistic with its bootstrap interval (Efron, 1987, for BCa).

    ``statistic`` takes an array and ``axis``. With fewer than about ten values a bootstrap
    interval is too narrow; ``mean_interval`` is not.

    Raises:
        ValueError: no values, or values that are not finite.
    """
    array = _checked(values)
    _check_confidence(confidence)
    value = float(statistic(array, axis=-1))
    if array.size == 1:
        return Estimate(value, None, None, 1, f"bootstrap ({method})")
    if np.ptp(array) == 0:  # BCa's acceleration is 0 / 0 here; every resample gives the value
        return Estimate(value, value, value, array.size, f"bootstrap ({method})")
    result = stats.bootstrap(
        (array,),
        statistic,
        n_resamples=resamples,
        confidence_level=confidence,
        method="BCa" if method == "bca" else "percentile",
        vectorized=True,
        rng=np.random.default_rng(seed),
    )
    low, high = result.confidence_interval
    return Estimate(value, float(low), float(high), array.size, f"bootstrap ({method})")


def interquartile_mean(values: Sequence[float] | Array, axis: int = -1) -> Array:
    """Return the mean of the middle half (Agarwal et al., 2021, arXiv:2108.13264).

    Of fewer than four values nothing is cut away: it is their mean.
    """
    return np.asarray(stats.trim_mean(np.asarray(values, dtype=np.float64), 0.25, axis=axis))


def paired_difference(
    treatment: Sequence[float],
    baseline: Sequence[float],
    *,
    confidence: float = 0.95,
    resamples: int = 100_000,
    seed: int = 0,
) -> PairedDifference:
    """Compare values that share their seeds, pair by pair.

    Raises:
        ValueError: the two differ in length, are empty, or hold values that are not finite.
    """
    first, second = _checked(treatment), _checked(baseline)
    if first.size != second.size:
        raise ValueError(f"Pairs were expected, not {first.size} and {second.size} values.")
    differences = first - second
    exact = differences.size <= MOST_EXACT_PAIRS
    least = 2.0 ** (1 - differences.size)
    return PairedDifference(
        difference=mean_interval(differences.tolist(), confidence=confidence),
        p_value=sign_flip_p_value(differences, resamples=resamples, seed=seed),
        smallest_p_value=least if exact else max(least, 1 / (resamples + 1)),
        exact=exact,
    )


def sign_flip_p_value(
    differences: Sequence[float] | Array, *, resamples: int = 100_000, seed: int = 0
) -> float:
    """Return the two-sided p value of the paired sign-flip permutation test (Fisher, 1935).

    If the treatment does nothing, each difference could as well have the other sign. The share
    of the 2^n sign patterns whose sum is at least as far from zero as the one seen is the p
    value: exact up to sixteen pairs, from ``resamples`` drawn patterns beyond.
    """
    array = _checked(differences)
    n = array.size
    scale = float(np.abs(array).sum())
    # Sums that are equal on paper differ in their last bits with the order of addition.
    bound = abs(float(array.sum())) - 1e-12 * scale
    if n <= MOST_EXACT_PAIRS:
        patterns = np.arange(2**n)[:, None] >> np.arange(n) & 1  # (2^n, n)
        sums = (1 - 2 * patterns) @ array
        return float(np.mean(np.abs(sums) >= bound))
    generator = np.random.default_rng(seed)
    reached = 0
    for start in range(0, resamples, 4096):  # in parts, so that memory stays small
        count = min(4096, resamples - start)
        signs = generator.integers(0, 2, size=(count, n)) * 2 - 1
        reached += int(np.count_nonzero(np.abs(signs @ array) >= bound))
    return (reached + 1) / (resamples + 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p values corrected for their number, in the order given (Holm, 1979).

    Raises:
        ValueError: a p value outside [0, 1].
    """
    if any(not 0 <= p <= 1 for p in p_values):
        raise ValueError("p values between 0 and 1 were expected.")
    corrected = [0.0] * len(p_values)
    largest = 0.0
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = largest
    return corrected


def probability_of_improvement(
    treatment: Sequence[float],
    baseline: Sequence[float],
    *,
    better: Better = "higher",
    confidence: float = 0.95,
    resamples: int = 2_000,
    seed: int = 0,
) -> Improvement:
    """Return U / (n m): in which share of all pairs the treatment is better, ties as a half.

    The interval resamples each side for itself (Agarwal et al., 2021, arXiv:2108.13264). Where
    every value of one side beats every value of the other it shrinks to a point: few values
    cannot show how rare the exceptions are.

    Raises:
        ValueError: no values, or values that are not finite.
    """
    sign = 1.0 if better == "higher" else -1.0
    first, second = sign * _checked(treatment), sign * _checked(baseline)
    _check_confidence(confidence)
    wins = (np.sign(first[:, None] - second[None, :]) + 1) / 2  # (n, m): 1, 0, or 1/2 for a tie
    n, m = wins.shape
    probability = float(wins.mean())
    if n == 1 or m == 1:
        return Improvement(probability, None, None, n, m)
    generator = np.random.default_rng(seed)
    rows = generator.integers(0, n, size=(resamples, n))
    columns = generator.integers(0, m, size=(resamples, m))
    drawn = np.array([wins[np.ix_(a, b)].mean() for a, b in zip(rows, columns, strict=True)])
    tail = (1 - confidence) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return Improvement(probability, float(low), float(high), n, m)
