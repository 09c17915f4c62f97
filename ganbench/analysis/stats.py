# SPDX-License-Identifier: MIT
"""Statistics of a few numbers: means, shares and ranks with their intervals, improvement.

Every result carries the number of values behind it. A single value shows no spread, so it has no
interval. Functions that draw random numbers take a seed; the same seed returns the same bytes.
Empty or non-finite input is a ValueError.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from ganbench.records.measurement import Better

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A statistic of ``n`` values; its interval is None if the values cannot have one."""

    value: float
    low: float | None
    high: float | None
    n: int
    method: str


@dataclass(frozen=True)
class Improvement:
    """The probability that a random run of one variant beats a random run of another.

    ``n`` and ``m`` count their runs. ``low`` and ``high`` are a percentile bootstrap interval, None
    if a side has a single value.
    """

    probability: float
    low: float | None
    high: float | None
    n: int
    m: int


def finite_array(values: Sequence[float] | FloatArray) -> FloatArray:
    """Return values as an array, (n,).

    Raises:
        ValueError: there is no value, a value is not finite, or there are several dimensions.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or array.size == 0:
        raise ValueError("One or more values in one dimension were expected.")
    if not np.isfinite(array).all():
        raise ValueError("Finite values were expected.")
    return array


def equal_but_rounding(array: FloatArray) -> bool:
    """Tell whether values (n,) are the same but for rounding."""
    return bool(np.ptp(array) <= 1e-12 * np.abs(array).max())


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise ValueError(f"A confidence between 0 and 1 was expected, not {confidence}.")


def mean_interval(values: Sequence[float], *, confidence: float = 0.95) -> Estimate:
    """Return the mean with Student's t interval.

    A single value has no interval, nor have values whose squares are beyond the range of floats.
    Nor have values that are all the same: where a few counts agree, others need not.
    """
    array = finite_array(values)
    _check_confidence(confidence)
    n = array.size
    if n == 1:
        return Estimate(float(array[0]), None, None, n, "t")
    with np.errstate(over="ignore", invalid="ignore"):
        mean = float(array.mean())
        error = float(array.std(ddof=1)) / n**0.5
    half = float(special.stdtrit(n - 1, (1 + confidence) / 2)) * error
    if not np.isfinite(half) or equal_but_rounding(array):
        return Estimate(mean, None, None, n, "t")
    return Estimate(mean, mean - half, mean + half, n, "t")


def probability_of_improvement(
    treatment: Sequence[float],
    baseline: Sequence[float],
    *,
    better: Better = "higher",
    confidence: float = 0.95,
    resamples: int = 1_000,
    seed: int = 0,
) -> Improvement:
    """Return U / (n m), the share of all pairs in which the treatment is better; ties are a half.

    The interval resamples each side separately (Agarwal et al., 2021, arXiv:2108.13264). If every
    value of one side beats every value of the other, it shrinks to a point: few values cannot
    show how rare the exceptions are.

    Args:
        treatment: the values of the treatment, (n,).
        baseline: the values of the baseline, (m,).
        better: whether higher or lower values are better.
        confidence: the confidence of the interval, between 0 and 1.
        resamples: the number of resamples.
        seed: the seed of the resamples.
    """
    sign = 1.0 if better == "higher" else -1.0
    first, second = sign * finite_array(treatment), sign * finite_array(baseline)
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
def _counts(n: int, resamples: int, seed: int) -> FloatArray:
    """Return how often each of n values is drawn by bootstrap resamples, (resamples, n)."""
    generator = np.random.default_rng(seed)
    counts: FloatArray = generator.multinomial(n, np.full(n, 1 / n), size=resamples).astype(
        np.float64
    )
    return counts


def exact_interval(count: int, n: int, *, confidence: float = 0.95) -> Estimate:
    """Return a share of n runs with the exact interval of Clopper and Pearson (1934).

    It holds the true share with at least the stated confidence, whatever n and the share are.
    Wilson's interval of five runs holds it in only 83 % of cases where few runs fail, and that is
    the usual case.

    >>> share = exact_interval(0, 5)
    >>> share.low, round(share.high, 2)
    (0.0, 0.52)
    """
    if not 0 <= count <= n or n == 0:
        raise ValueError(f"A count out of one or more was expected, not {count} of {n}.")
    _check_confidence(confidence)
    tail = (1 - confidence) / 2
    low = float(special.betaincinv(count, n - count + 1, tail)) if count else 0.0
    high = float(special.betaincinv(count + 1, n - count, 1 - tail)) if count < n else 1.0
    return Estimate(count / n, low, high, n, "Clopper-Pearson")


def stratified_interval(strata: Sequence[Sequence[float]], *, confidence: float = 0.95) -> Estimate:
    """Return the mean of the means of strata, which weigh the same, with a t interval.

    The interval is about other seeds in the same strata, such as the same datasets. Its degrees
    of freedom are those of Welch and Satterthwaite. It is missing where nothing shows a spread: if
    a stratum has a single value, or the values of every stratum are all the same.
    """
    arrays = [finite_array(values) for values in strata]
    _check_confidence(confidence)
    value = float(np.mean([array.mean() for array in arrays]))
    n, count = sum(array.size for array in arrays), len(arrays)
    if any(array.size == 1 for array in arrays):
        return Estimate(value, None, None, n, "stratified t")
    parts = np.array([array.var(ddof=1) / array.size for array in arrays]) / count**2
    if not parts.any():
        return Estimate(value, None, None, n, "stratified t")
    degrees_of_freedom = parts.sum() ** 2 / sum(
        part**2 / (array.size - 1) for part, array in zip(parts, arrays, strict=True)
    )
    half = float(special.stdtrit(degrees_of_freedom, (1 + confidence) / 2) * parts.sum() ** 0.5)
    return Estimate(value, value - half, value + half, n, "stratified t")


def performance_profile(
    strata: Sequence[Sequence[float | None]],
    thresholds: Sequence[float],
    *,
    better: Better = "lower",
    confidence: float = 0.95,
    resamples: int = 2_000,
) -> list[Estimate]:
    """Return the share of all runs in which a metric is at least as good as each threshold.

    The band is a percentile bootstrap that draws runs within their strata (Dolan and Moré, 2002;
    Agarwal et al., 2021, arXiv:2108.13264). Resamples of runs that all reach a threshold, or all
    miss it, cannot differ: there the interval is that of ``exact_interval``. A stratum of a single
    run shows no spread, and then there is no band.

    Args:
        strata: the values of the runs of one setting over seeds, such as one learning rate. None
            stands for a run that diverged, which is never as good.
        thresholds: the values of the metric at which the share is evaluated.
        better: whether higher or lower values are better.
        confidence: the confidence of the band, between 0 and 1.
        resamples: the number of resamples.

    Returns:
        The share of runs at each threshold.

    Raises:
        ValueError: there are no runs.
    """
    sign = 1.0 if better == "higher" else -1.0
    limits = sign * np.asarray(thresholds, dtype=np.float64)
    total = sum(len(stratum) for stratum in strata)
    if not total:
        raise ValueError("One or more runs were expected.")
    shows_spread = all(len(stratum) != 1 for stratum in strata)
    counts = np.zeros(limits.size, dtype=np.int64)
    drawn = np.zeros((resamples, limits.size))
    for index, stratum in enumerate(strata):
        values = np.array([-np.inf if value is None else sign * value for value in stratum])
        reached = (values[:, None] >= limits).astype(np.float64)  # (runs, thresholds)
        counts += reached.sum(axis=0).astype(np.int64)
        if stratum and shows_spread:
            drawn += _counts(len(stratum), resamples, index) @ reached / total
    if not shows_spread:
        return [Estimate(count / total, None, None, total, "no interval") for count in counts]
    tail = (1 - confidence) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail], axis=0)
    return [
        Estimate(count / total, least, most, total, "bootstrap (percentile)")
        if 0 < count < total
        else exact_interval(count, total, confidence=confidence)
        for count, least, most in zip(counts.tolist(), low.tolist(), high.tolist(), strict=True)
    ]


def mean_ranks(scores: Sequence[Sequence[float]], *, better: Better = "lower") -> list[float]:
    """Return the mean rank of each method over datasets; the best has rank 1.

    ``scores`` is (datasets, methods). Tied methods share the mean of their ranks.

    >>> mean_ranks([[1.0, 2.0, 3.0], [20.0, 10.0, 20.0]])
    [1.75, 1.5, 2.75]
    """
    table = np.asarray(scores, dtype=np.float64) * (1.0 if better == "lower" else -1.0)
    return [float(rank) for rank in stats.rankdata(table, axis=1).mean(axis=0)]
