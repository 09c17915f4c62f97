# SPDX-License-Identifier: MIT
"""What can be said of a few numbers: intervals, paired differences, tests, improvement.

Every result carries the count of values behind it. One value has no interval: a spread cannot be
seen in it, and none is invented. Whatever draws random numbers takes a seed and, given the same
seed, returns the same bytes. No values, or values that are not finite, are a ValueError.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special, stats

from ganbench.records.measurement import Better

_Array = NDArray[np.float64]

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
    ``t_p_value`` is that of the paired t test (see ``paired_t_p_value``), ``deviation`` the
    standard deviation of the differences; both None where too few differences show no spread.
    """

    difference: Estimate
    p_value: float
    smallest_p_value: float
    exact: bool
    t_p_value: float | None
    deviation: float | None

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


def _checked(values: Sequence[float] | _Array) -> _Array:
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
    """Return the mean with Student's t interval; no interval for one value."""
    array = _checked(values)
    _check_confidence(confidence)
    n, mean = array.size, float(array.mean())
    if n == 1:
        return Estimate(mean, None, None, n, "t")
    error = float(array.std(ddof=1)) / n**0.5
    half = float(special.stdtrit(n - 1, (1 + confidence) / 2)) * error
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


def interquartile_mean(values: Sequence[float] | _Array, axis: int = -1) -> _Array:
    """Return the mean of the middle half (Agarwal et al., 2021, arXiv:2108.13264).

    Of fewer than four values nothing is cut away: it is their mean.
    """
    return np.asarray(stats.trim_mean(np.asarray(values, dtype=np.float64), 0.25, axis=axis))


def paired_difference(
    treatment: Sequence[float],
    baseline: Sequence[float],
    *,
    confidence: float = 0.95,
    resamples: int = 9_999,
    seed: int = 0,
) -> PairedDifference:
    """Compare values that share their seeds, pair by pair."""
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
        t_p_value=paired_t_p_value(differences),
        deviation=float(differences.std(ddof=1)) if differences.size > 1 else None,
    )


def paired_t_p_value(differences: Sequence[float] | _Array) -> float | None:
    """Return the two-sided p value of Student's t test of paired differences.

    None for one pair, and where all differences are the same but for rounding: equal steps of a
    count are no proof that the next seed gives the same step, and t divides by their spread.
    Differences that are all zero have p = 1.

    >>> round(paired_t_p_value([1.0, 2.0, 3.0]), 4)
    0.0742
    """
    array = _checked(differences)
    if not array.any():
        return 1.0
    if array.size == 1 or np.ptp(array) <= 1e-12 * np.abs(array).max():
        return None
    t = float(array.mean() / array.std(ddof=1)) * array.size**0.5
    return 2 * float(special.stdtr(array.size - 1, -abs(t)))


def detectable_difference(
    deviation: float, n: int, alpha: float = 0.05, power: float = 0.8
) -> float | None:
    """Return the smallest true difference that a two-sided paired t test of ``n`` pairs detects.

    It is found with probability ``power`` at the level ``alpha`` where differences are normal
    with standard deviation ``deviation`` (Cohen, 1988, chapter 2). None for fewer than two pairs.

    >>> round(detectable_difference(1.0, 5), 2)
    1.68
    """
    if not (0 < alpha < 1 and alpha < power < 1):
        raise ValueError("A level and a power with 0 < alpha < power < 1 were expected.")
    if deviation < 0 or not np.isfinite(deviation):
        raise ValueError(f"A deviation of zero or more was expected, not {deviation}.")
    return None if n < 2 else deviation * _detectable_deviations(n, alpha, power)


def power_of_t_test(effect: float, n: int, alpha: float = 0.05) -> float:
    """Return the power of the two-sided paired t test for a difference of ``effect`` deviations.

    The noncentral t distribution, integrated over the spread that n pairs may show: scipy's own
    is not a number where pairs are few.
    """
    nodes, weights = _gauss_legendre(400)
    # One half of the nodes lies below the median of the spread, whose lower tail decides.
    spread = np.sqrt(2 * special.gammaincinv((n - 1) / 2, ((nodes + 1) / 2) ** 2) / (n - 1))
    density = weights * (nodes + 1) / 2  # du = 2 v dv with u = v^2, v in [0, 1]
    limit = float(special.stdtrit(n - 1, 1 - alpha / 2)) * spread
    center = effect * n**0.5
    return float(density @ (special.ndtr(center - limit) + special.ndtr(-center - limit)))


@lru_cache(maxsize=1)
def _gauss_legendre(count: int) -> tuple[_Array, _Array]:
    return np.polynomial.legendre.leggauss(count)


@lru_cache(maxsize=1024)
def _detectable_deviations(n: int, alpha: float, power: float) -> float:
    """Return the detectable difference in standard deviations of the differences."""
    most = 4 * float(special.stdtrit(n - 1, 1 - alpha / 2)) + 16
    return float(optimize.brentq(lambda d: power_of_t_test(d, n, alpha) - power, 0.0, most))


@lru_cache(maxsize=32)
def _signs(n: int, resamples: int, seed: int) -> _Array:
    """Return sign patterns of n pairs as rows: all 2^n, or where those are too many, some drawn."""
    if n <= MOST_EXACT_PAIRS:
        patterns = np.arange(2**n)[:, None] >> np.arange(n) & 1
    else:
        patterns = np.random.default_rng(seed).integers(0, 2, size=(resamples, n))
    return (1 - 2 * patterns).astype(np.float64)


def sign_flip_p_value(
    differences: Sequence[float] | _Array, *, resamples: int = 9_999, seed: int = 0
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
    reached = np.abs(_signs(n, resamples, seed) @ array) >= bound
    if n <= MOST_EXACT_PAIRS:
        return float(reached.mean())
    return (int(np.count_nonzero(reached)) + 1) / (resamples + 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p values corrected for their number, in the order given (Holm, 1979)."""
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
    resamples: int = 1_000,
    seed: int = 0,
) -> Improvement:
    """Return U / (n m): in which share of all pairs the treatment is better, ties as a half.

    The interval resamples each side for itself (Agarwal et al., 2021, arXiv:2108.13264). Where
    every value of one side beats every value of the other it shrinks to a point: few values
    cannot show how rare the exceptions are.
    """
    sign = 1.0 if better == "higher" else -1.0
    first, second = sign * _checked(treatment), sign * _checked(baseline)
    _check_confidence(confidence)
    wins = (np.sign(first[:, None] - second[None, :]) + 1) / 2  # (n, m): 1, 0, or 1/2 for a tie
    n, m = wins.shape
    probability = float(wins.mean())
    if n == 1 or m == 1:
        return Improvement(probability, None, None, n, m)
    rows, columns = _counts(n, resamples, seed), _counts(m, resamples, seed + 1)
    drawn = ((rows @ wins) * columns).sum(axis=1) / (n * m)
    tail = (1 - confidence) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return Improvement(probability, float(low), float(high), n, m)


@lru_cache(maxsize=32)
def _counts(n: int, resamples: int, seed: int) -> _Array:
    """Return how often each of n values is drawn, one row for each bootstrap resample."""
    generator = np.random.default_rng(seed)
    counts: _Array = generator.multinomial(n, np.full(n, 1 / n), size=resamples).astype(np.float64)
    return counts


def wilson_interval(count: int, n: int, *, confidence: float = 0.95) -> Estimate:
    """Return a share of n runs with Wilson's score interval (1927), which knows its bounds.

    >>> share = wilson_interval(0, 5)
    >>> share.low, round(share.high, 2)
    (0.0, 0.43)
    """
    if not 0 <= count <= n or n == 0:
        raise ValueError(f"A count out of one or more was expected, not {count} of {n}.")
    _check_confidence(confidence)
    z2 = float(special.ndtri((1 + confidence) / 2)) ** 2
    center = (count + z2 / 2) / (n + z2)
    half = (z2 * (count * (n - count) / n + z2 / 4)) ** 0.5 / (n + z2)
    low = 0.0 if count == 0 else max(0.0, center - half)
    high = 1.0 if count == n else min(1.0, center + half)
    return Estimate(count / n, low, high, n, "Wilson")


def stratified_interval(strata: Sequence[Sequence[float]], *, confidence: float = 0.95) -> Estimate:
    """Return the mean of the means of strata, each as heavy, with a t interval over their values.

    It speaks of other seeds in the same strata, say on the same datasets. Degrees of freedom are
    Welch and Satterthwaite's; without a stratum of two values there is no interval.
    """
    arrays = [_checked(values) for values in strata]
    _check_confidence(confidence)
    value = float(np.mean([array.mean() for array in arrays]))
    n, count = sum(array.size for array in arrays), len(arrays)
    if any(array.size == 1 for array in arrays):
        return Estimate(value, None, None, n, "stratified t")
    parts = np.array([array.var(ddof=1) / array.size for array in arrays]) / count**2
    if not parts.any():
        return Estimate(value, value, value, n, "stratified t")
    freedom = parts.sum() ** 2 / sum(
        part**2 / (array.size - 1) for part, array in zip(parts, arrays, strict=True)
    )
    half = float(special.stdtrit(freedom, (1 + confidence) / 2) * parts.sum() ** 0.5)
    return Estimate(value, value - half, value + half, n, "stratified t")


def performance_profile(
    strata: Sequence[Sequence[float | None]],
    thresholds: Sequence[float],
    *,
    better: Better = "lower",
    confidence: float = 0.95,
    resamples: int = 2_000,
) -> list[Estimate]:
    """Return in which share of all runs a metric is at least as good as each threshold.

    A stratum holds the runs of one setting over seeds, say of one learning rate; None is a run
    that diverged, which is never as good. The band is a percentile bootstrap that draws runs
    within their strata (Dolan and Moré, 2002; Agarwal et al., 2021, arXiv:2108.13264).
    """
    sign = 1.0 if better == "higher" else -1.0
    limits = sign * np.asarray(thresholds, dtype=np.float64)
    total = sum(len(stratum) for stratum in strata)
    if not total:
        raise ValueError("One or more runs were expected.")
    share = np.zeros(limits.size)
    drawn = np.zeros((resamples, limits.size))
    for index, stratum in enumerate(strata):
        values = np.array([-np.inf if one is None else sign * one for one in stratum])
        reached = (values[:, None] >= limits).astype(np.float64)  # (runs, thresholds)
        share += reached.sum(axis=0) / total
        if stratum:
            drawn += _counts(len(stratum), resamples, index) @ reached / total
    tail = (1 - confidence) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail], axis=0)
    bands = zip(share.tolist(), low.tolist(), high.tolist(), strict=True)
    return [Estimate(*band, n=total, method="bootstrap (percentile)") for band in bands]


def mean_ranks(scores: Sequence[Sequence[float]], *, better: Better = "lower") -> list[float]:
    """Return the mean rank of each of several methods over datasets; the best has rank 1.

    ``scores`` are one row a dataset, one column a method; ties share the mean of their ranks.

    >>> mean_ranks([[1.0, 2.0, 3.0], [20.0, 10.0, 20.0]])
    [1.75, 1.5, 2.75]
    """
    table = np.asarray(scores, dtype=np.float64) * (1.0 if better == "lower" else -1.0)
    return [float(rank) for rank in stats.rankdata(table, axis=1).mean(axis=0)]
