# SPDX-License-Identifier: MIT
"""Whether a paired difference is more than chance: tests, their correction, and their power.

Pairs share their seeds. As everywhere in ``stats``, functions that draw random numbers take a
seed, and empty or non-finite input is a ValueError.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import optimize, special

from ganbench.analysis.stats import (
    Estimate,
    FloatArray,
    equal_but_rounding,
    finite_array,
    mean_interval,
)

MOST_PLANNED = 10_000
"""The largest number of seeds that is planned."""

MOST_EXACT_PAIRS = 16
"""Up to this number of pairs, all 2^n sign patterns are enumerated; of more, some are drawn."""


@dataclass(frozen=True)
class PairedDifference:
    """The mean of treatment minus baseline over ``n`` pairs.

    ``p_value`` is from the two-sided sign-flip test. ``smallest_p_value`` is the smallest that
    this number of pairs can give, 2 / 2^n: with five pairs no outcome comes below 0.0625.
    ``exact`` is whether all sign patterns were enumerated. ``t_p_value`` is from the paired t
    test (see ``paired_t_p_value``), ``deviation`` is the standard deviation of the differences, 0
    if they are the same but for rounding, and None for one pair.
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

    @property
    def deciding_p_value(self) -> float | None:
        """The p value of the t test, or of the permutation test if all differences are equal.

        Equal differences have no spread, by which the t test could judge them. It is None for one
        pair, as no test of one pair can reject: it must not make others stricter.
        """
        if self.n == 1:
            return None
        return self.p_value if self.t_p_value is None else self.t_p_value


def paired_difference(
    treatment: Sequence[float],
    baseline: Sequence[float],
    *,
    confidence: float = 0.95,
    resamples: int = 9_999,
    seed: int = 0,
) -> PairedDifference:
    """Compare values that share their seeds, pair by pair.

    Args:
        treatment: the values of the treatment, (n,).
        baseline: the values of the baseline, (n,), in the order of the same seeds.
        confidence: the confidence of the interval, between 0 and 1.
        resamples: the number of sign patterns drawn where not all are enumerated.
        seed: the seed of the drawn patterns.

    Raises:
        ValueError: the values make no pairs, are empty, or are not finite.
    """
    first, second = finite_array(treatment), finite_array(baseline)
    if first.size != second.size:
        raise ValueError(f"Pairs were expected, not {first.size} and {second.size} values.")
    differences = first - second
    exact = differences.size <= MOST_EXACT_PAIRS
    smallest = 2.0 ** (1 - differences.size)
    return PairedDifference(
        difference=mean_interval(differences.tolist(), confidence=confidence),
        p_value=sign_flip_p_value(differences, resamples=resamples, seed=seed),
        smallest_p_value=smallest if exact else max(smallest, 1 / (resamples + 1)),
        exact=exact,
        t_p_value=paired_t_p_value(differences),
        deviation=_deviation(differences),
    )


def _deviation(differences: FloatArray) -> float | None:
    """Return the standard deviation; None for one difference, and beyond the range of floats."""
    if differences.size == 1:
        return None
    if equal_but_rounding(differences):
        return 0.0
    with np.errstate(over="ignore"):
        deviation = float(differences.std(ddof=1))
    return deviation if np.isfinite(deviation) else None


def paired_t_p_value(differences: Sequence[float] | FloatArray) -> float | None:
    """Return the two-sided p value of Student's t test of paired differences.

    It is None for one pair, and if all differences are the same except for rounding: equal steps
    of a count do not prove that the next seed gives the same step, and t divides by their spread.
    Differences that are all zero have p = 1.

    >>> round(paired_t_p_value([1.0, 2.0, 3.0]), 4)
    0.0742
    """
    array = finite_array(differences)
    if array.size == 1:
        return None
    if not array.any():
        return 1.0
    if equal_but_rounding(array):
        return None
    with np.errstate(over="ignore"):
        t = float(array.mean() / array.std(ddof=1)) * array.size**0.5
    return 2 * float(special.stdtr(array.size - 1, -abs(t)))


def sign_flip_p_value(
    differences: Sequence[float] | FloatArray, *, resamples: int = 9_999, seed: int = 0
) -> float:
    """Return the two-sided p value of the paired sign-flip permutation test (Fisher, 1935).

    If the treatment has no effect, each difference could as well have the other sign. The p value
    is the share of the 2^n sign patterns whose sum is at least as far from zero as the observed
    sum. It is exact up to sixteen pairs; beyond, it is from ``resamples`` drawn patterns.
    """
    array = finite_array(differences)
    n = array.size
    scale = float(np.abs(array).sum())
    # Sums that are equal on paper differ in their last bits with the order of addition.
    bound = abs(float(array.sum())) - 1e-12 * scale
    reached = np.abs(_signs(n, resamples, seed) @ array) >= bound
    if n <= MOST_EXACT_PAIRS:
        return float(reached.mean())
    return (int(np.count_nonzero(reached)) + 1) / (resamples + 1)


@lru_cache(maxsize=32)
def _signs(n: int, resamples: int, seed: int) -> FloatArray:
    """Return sign patterns of n pairs, (patterns, n): all 2^n, or some drawn from too many."""
    if n <= MOST_EXACT_PAIRS:
        patterns = np.arange(2**n)[:, None] >> np.arange(n) & 1
    else:
        patterns = np.random.default_rng(seed).integers(0, 2, size=(resamples, n))
    return (1 - 2 * patterns).astype(np.float64)


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


def detectable_difference(
    deviation: float, n: int, alpha: float = 0.05, power: float = 0.8
) -> float | None:
    """Return the smallest true difference that a two-sided paired t test detects.

    Args:
        deviation: the standard deviation of the differences, which are assumed to be normal.
        n: the number of pairs.
        alpha: the level of the test.
        power: the probability with which the difference is found (Cohen, 1988, chapter 2).

    Returns:
        The difference, in the unit of ``deviation``; None for fewer than two pairs.

    Raises:
        ValueError: not 0 < alpha < power < 1, or the deviation is negative or not finite.

    >>> round(detectable_difference(1.0, 5), 2)
    1.68
    """
    if not (0 < alpha < 1 and alpha < power < 1):
        raise ValueError("A level and a power with 0 < alpha < power < 1 were expected.")
    if deviation < 0 or not np.isfinite(deviation):
        raise ValueError(f"A deviation of zero or more was expected, not {deviation}.")
    return None if n < 2 else deviation * _detectable_deviations(n, alpha, power)


@lru_cache(maxsize=1024)
def _detectable_deviations(n: int, alpha: float, power: float) -> float:
    """Return the detectable difference in standard deviations of the differences."""
    most = 4 * float(special.stdtrit(n - 1, 1 - alpha / 2)) + 16
    return float(
        optimize.brentq(lambda effect: power_of_t_test(effect, n, alpha) - power, 0.0, most)
    )


def pairs_needed(
    difference: float, deviation: float, alpha: float = 0.05, power: float = 0.8
) -> int | None:
    """Return the smallest number of pairs with which a two-sided paired t test finds a difference.

    Args:
        difference: the true difference.
        deviation: the standard deviation of the differences, which are assumed to be normal.
        alpha: the level of the test.
        power: the probability with which the difference is to be found.

    Returns:
        The number of pairs, at least two; None if it is above ``MOST_PLANNED``.

    Raises:
        ValueError: not 0 < alpha < power < 1, or a number is not finite, or the deviation negative.

    >>> pairs_needed(0.5, 1.0), pairs_needed(-2.0, 1.0)
    (34, 5)
    """
    if not np.isfinite(difference):
        raise ValueError(f"A finite difference was expected, not {difference}.")
    detectable_difference(deviation, 2, alpha, power)  # refuses a wrong level, power or deviation

    def enough(n: int) -> bool:
        if not deviation:
            return n > 1
        return power_of_t_test(abs(difference) / deviation, n, alpha) >= power

    if not difference or not enough(MOST_PLANNED):
        return None
    few, many = 1, MOST_PLANNED  # too few, and enough
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (few, middle) if enough(middle) else (middle, many)
    return many


def deviation_interval(
    deviation: float, n: int, confidence: float = 0.95
) -> tuple[float, float] | None:
    """Return the interval of a standard deviation that n normal values show; None for one value.

    >>> low, high = deviation_interval(1.0, 5)
    >>> round(low, 3), round(high, 3)
    (0.599, 2.874)
    """
    if n < 2:
        return None
    tail = (1 - confidence) / 2
    low, high = (2 * special.gammaincinv((n - 1) / 2, share) for share in (1 - tail, tail))
    return deviation * float((n - 1) / low) ** 0.5, deviation * float((n - 1) / high) ** 0.5


def power_of_t_test(effect: float, n: int, alpha: float = 0.05) -> float:
    """Return the power of the two-sided paired t test for a difference of ``effect`` deviations.

    The noncentral t distribution is integrated over the spread that n pairs may show: scipy's own
    function returns NaN if pairs are few.
    """
    spread, density = _spread(n)
    limit = float(special.stdtrit(n - 1, 1 - alpha / 2)) * spread
    center = effect * n**0.5
    return float(density @ (special.ndtr(center - limit) + special.ndtr(-center - limit)))


@lru_cache(maxsize=1024)
def _spread(n: int) -> tuple[FloatArray, FloatArray]:
    """Return deviations that n pairs may show, (400,), and their weights in an integral."""
    nodes, weights = _gauss_legendre(400)
    # One half of the nodes lies below the median of the spread, whose lower tail decides.
    spread = np.sqrt(2 * special.gammaincinv((n - 1) / 2, ((nodes + 1) / 2) ** 2) / (n - 1))
    return spread, weights * (nodes + 1) / 2  # du = 2 v dv with u = v^2, v in [0, 1]


@lru_cache(maxsize=1)
def _gauss_legendre(count: int) -> tuple[FloatArray, FloatArray]:
    return np.polynomial.legendre.leggauss(count)
