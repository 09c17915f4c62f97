# SPDX-License-Identifier: MIT
"""Statistics checked against closed forms, against scipy, and against their own promises."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from ganbench.analysis import significance, stats

numbers = st.floats(-1e3, 1e3, allow_nan=False).map(lambda value: round(value, 3))


def test_t_interval_of_three_values_matches_the_table() -> None:
    # t(0.975, 2) = 4.302653, the deviation of 1, 2, 3 is 1: half width 4.302653 / sqrt(3).
    estimate = stats.mean_interval([1.0, 2.0, 3.0])
    assert (estimate.value, estimate.n) == (2.0, 3)
    assert estimate.high == pytest.approx(2 + 4.302652729911 / math.sqrt(3), abs=1e-9)
    assert estimate.low == pytest.approx(2 - 4.302652729911 / math.sqrt(3), abs=1e-9)


def test_t_interval_grows_with_confidence() -> None:
    # t(0.95, 4) = 2.131847
    estimate = stats.mean_interval([0.0, 0.0, 1.0, 1.0, 3.0], confidence=0.90)
    deviation = math.sqrt((1 + 1 + 0 + 0 + 4) / 4)
    assert estimate.high == pytest.approx(1 + 2.131846786 * deviation / math.sqrt(5), abs=1e-8)


def test_one_value_has_no_interval() -> None:
    estimate = stats.mean_interval([3.5])
    assert (estimate.value, estimate.low, estimate.high, estimate.n) == (3.5, None, None, 1)


@pytest.mark.parametrize("values", [[], [1.0, math.nan], [math.inf], [[1.0, 2.0]]])
def test_values_that_are_none_or_not_finite_are_refused(values: list[float]) -> None:
    for function in (stats.mean_interval, significance.sign_flip_p_value):
        with pytest.raises(ValueError, match="expected"):
            function(values)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0])
def test_a_confidence_outside_zero_and_one_is_refused(confidence: float) -> None:
    with pytest.raises(ValueError, match="confidence"):
        stats.mean_interval([1.0, 2.0], confidence=confidence)


def test_t_interval_covers_as_often_as_it_says() -> None:
    # 4,000 samples of five normal values: the share that covers has a standard deviation of
    # sqrt(0.95 x 0.05 / 4000) = 0.0034; four of them are allowed.
    samples = np.random.default_rng(1).normal(3.0, 2.0, size=(4000, 5))
    covered = [
        estimate.low <= 3.0 <= estimate.high
        for estimate in map(stats.mean_interval, samples.tolist())
    ]
    assert np.mean(covered) == pytest.approx(0.95, abs=4 * 0.0034)


@settings(deadline=None, max_examples=40)
@given(st.lists(numbers, min_size=1, max_size=8), st.lists(numbers, min_size=1, max_size=8))
def test_probability_of_improvement_is_mann_whitney(
    first: list[float], second: list[float]
) -> None:
    expected = scipy_stats.mannwhitneyu(first, second).statistic / (len(first) * len(second))
    result = stats.probability_of_improvement(first, second, resamples=10)
    assert result.probability == pytest.approx(expected)
    lower = stats.probability_of_improvement(first, second, better="lower", resamples=10)
    assert lower.probability == pytest.approx(1 - expected)


def test_probability_of_improvement_counts_ties_as_a_half() -> None:
    result = stats.probability_of_improvement([1.0, 2.0], [2.0, 3.0], better="lower")
    assert result.probability == 3.5 / 4
    assert (result.n, result.m) == (2, 2)
    assert result.low is not None
    assert result.high is not None
    assert 0 <= result.low <= result.probability <= result.high <= 1
    single = stats.probability_of_improvement([1.0], [2.0, 3.0])
    assert (single.probability, single.low, single.high) == (0.0, None, None)


def test_statistics_load_no_torch() -> None:
    command = "import sys, ganbench.analysis.stats; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", command], check=False).returncode == 0


def test_the_exact_interval_of_worked_examples() -> None:
    # Of five runs without a failure: 0.025 = (1 - high)^5. Of three in five: by scipy's own code.
    none, every = stats.exact_interval(0, 5), stats.exact_interval(5, 5)
    assert (none.low, every.high, none.n) == (0.0, 1.0, 5)
    assert none.high == pytest.approx(1 - 0.025 ** (1 / 5), abs=1e-12)
    assert every.low == pytest.approx(0.025 ** (1 / 5), abs=1e-12)
    for count in range(8):
        share = stats.exact_interval(count, 7, confidence=0.9)
        other = scipy_stats.binomtest(count, 7).proportion_ci(0.9, method="exact")
        assert (share.low, share.high) == pytest.approx((other.low, other.high), abs=1e-9)
    with pytest.raises(ValueError, match="count"):
        stats.exact_interval(1, 0)


@pytest.mark.parametrize("n", [3, 5, 20])
def test_the_exact_interval_covers_every_share(n: int) -> None:
    # Exact: the sum of the binomial weights of those counts whose interval holds the true share.
    intervals = [stats.exact_interval(count, n) for count in range(n + 1)]
    for share in np.linspace(0.001, 0.999, 333):
        weights = scipy_stats.binom.pmf(range(n + 1), n, share)
        covered = sum(
            weight
            for weight, interval in zip(weights, intervals, strict=True)
            if interval.low is not None
            and interval.high is not None
            and interval.low <= share <= interval.high
        )
        assert covered >= 0.95 - 1e-12


def test_a_stratified_interval_speaks_of_the_mean_of_means() -> None:
    # Means 2 and 10; variances of the means 1/3 and 4/3; together 5/12; freedom by Welch.
    estimate = stats.stratified_interval([[1.0, 2.0, 3.0], [8.0, 10.0, 12.0]])
    error = math.sqrt((1 / 3 + 4 / 3) / 4)
    freedom = (5 / 3) ** 2 / ((1 / 3) ** 2 / 2 + (4 / 3) ** 2 / 2)
    half = scipy_stats.t.ppf(0.975, freedom) * error
    assert (estimate.value, estimate.n) == (6.0, 6)
    assert estimate.high == pytest.approx(6 + half, abs=1e-9)
    assert stats.stratified_interval([[1.0, 2.0], [5.0]]).low is None
    assert stats.stratified_interval([[1.0, 1.0], [3.0, 3.0]]).high is None


def test_a_stratified_interval_covers_as_often_as_it_says() -> None:
    random = np.random.default_rng(8)
    wide, narrow = random.normal(1.0, 3.0, (2000, 5)), random.normal(5.0, 1.0, (2000, 5))
    covered = [
        estimate.low <= 3.0 <= estimate.high
        for estimate in (
            stats.stratified_interval([a, b])
            for a, b in zip(wide.tolist(), narrow.tolist(), strict=True)
        )
    ]
    assert np.mean(covered) == pytest.approx(0.95, abs=4 * 0.0049)


def test_values_that_agree_have_no_interval_without_width() -> None:
    """Two runs that find all ten digits do not show that every other would."""
    estimate = stats.mean_interval([10.0, 10.0])
    assert (estimate.value, estimate.low, estimate.high, estimate.n) == (10.0, None, None, 2)
    assert stats.mean_interval([0.3 - 0.1, 0.2]).low is None, "equal but for rounding"
    assert stats.mean_interval([0.0, 0.0, 0.0]).low is None
    assert stats.mean_interval([10.0, 10.0, 9.0]).low is not None


@pytest.mark.parametrize(("threshold", "bounds"), [(9.0, (0.478, 1.0)), (0.5, (0.0, 0.522))])
def test_a_profile_is_not_sure_of_the_ends_after_five_runs(
    threshold: float, bounds: tuple[float, float]
) -> None:
    """The bounds are 0.025^(1/5) and one less it, as of any share of which no case was seen."""
    (point,) = stats.performance_profile([[1.0, 2.0, 3.0], [4.0, 5.0]], [threshold])
    assert (point.low, point.high) == pytest.approx(bounds, abs=5e-4)


def test_a_profile_counts_runs_that_diverged_as_never_as_good() -> None:
    profile = stats.performance_profile([[1.0, 2.0], [3.0, None]], [0.5, 1.0, 2.5, 99.0])
    assert [point.value for point in profile] == [0.0, 0.25, 0.5, 0.75]
    assert {point.n for point in profile} == {4}
    for point in profile:
        assert point.low is not None
        assert point.high is not None
        assert 0 <= point.low <= point.value <= point.high <= 1
    higher = stats.performance_profile([[1.0, 2.0, None]], [2.0, 0.0], better="higher")
    assert [point.value for point in higher] == pytest.approx([1 / 3, 2 / 3])
    assert stats.performance_profile([[1.0, 2.0], [3.0, None]], [0.5, 1.0, 2.5, 99.0]) == profile
    with pytest.raises(ValueError, match="runs"):
        stats.performance_profile([[]], [1.0])


def test_the_band_of_a_profile_covers_nearly_as_often() -> None:
    # 40 runs: a percentile bootstrap of a share of one half covers 92 to 96 %.
    samples = np.random.default_rng(9).normal(size=(400, 2, 20))
    covered = []
    for strata in samples:
        (point,) = stats.performance_profile(strata.tolist(), [0.0], resamples=500)
        assert point.low is not None
        assert point.high is not None
        covered.append(point.low <= 0.5 <= point.high)
    assert np.mean(covered) == pytest.approx(0.945, abs=0.035)


def test_mean_ranks_share_ties_and_follow_the_better_direction() -> None:
    assert stats.mean_ranks([[1.0, 2.0], [5.0, 5.0]]) == [1.25, 1.75]
    assert stats.mean_ranks([[1.0, 2.0], [5.0, 5.0]], better="higher") == [1.75, 1.25]
