# SPDX-License-Identifier: MIT
"""Tests of differences checked against closed forms, against scipy, and against their promises."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from ganbench.analysis import significance

numbers = st.floats(-1e3, 1e3, allow_nan=False).map(lambda value: round(value, 3))


@given(st.lists(numbers, min_size=1, max_size=7))
def test_sign_flip_counts_every_pattern_once(differences: list[float]) -> None:
    exact = [Fraction(str(value)) for value in differences]
    seen = abs(sum(exact))
    patterns = list(product((1, -1), repeat=len(exact)))
    far = [
        abs(sum(sign * value for sign, value in zip(pattern, exact, strict=True))) >= seen
        for pattern in patterns
    ]
    assert significance.sign_flip_p_value(differences) == sum(far) / len(patterns)


def test_sign_flip_agrees_with_scipy() -> None:
    differences = np.random.default_rng(5).normal(0.5, 1.0, size=9)
    expected = scipy_stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=np.inf
    ).pvalue
    assert significance.sign_flip_p_value(differences) == pytest.approx(expected, abs=1e-12)


def test_drawn_patterns_agree_with_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    differences = np.random.default_rng(6).normal(0.4, 1.0, size=12)
    exact = significance.sign_flip_p_value(differences)
    monkeypatch.setattr(significance, "MOST_EXACT_PAIRS", 2)
    drawn = significance.sign_flip_p_value(differences, resamples=20_000)
    assert 0.01 < exact < 0.99
    assert drawn != exact
    assert drawn == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / 20_000))


@pytest.mark.parametrize(("n", "least"), [(1, 1.0), (3, 0.25), (5, 0.0625), (6, 0.03125)])
def test_few_pairs_cannot_give_a_small_p_value(n: int, least: float) -> None:
    better = [10.0 + index for index in range(n)]
    result = significance.paired_difference(better, [0.0] * n)
    assert result.n == n
    assert result.exact
    assert result.p_value == result.smallest_p_value == least


def test_sign_flip_rejects_as_often_as_it_should() -> None:
    # Under no effect, p <= 0.05 in at most 5 % of cases; with 8 pairs p moves in steps of
    # 2/256, so in 12/256 = 4.7 %. 2,000 cases: standard deviation 0.0047, four allowed.
    cases = np.random.default_rng(7).normal(size=(2000, 8))
    rejected = np.mean([significance.sign_flip_p_value(case) <= 0.05 for case in cases])
    assert rejected == pytest.approx(12 / 256, abs=4 * 0.0047)


def test_paired_difference_uses_the_pairs() -> None:
    baseline = [10.0, 20.0, 30.0, 40.0]
    treatment = [9.0, 18.5, 29.0, 38.5]  # differences -1, -1.5, -1, -1.5
    result = significance.paired_difference(treatment, baseline)
    assert result.difference.value == -1.25
    # deviation sqrt(0.25/3), t(0.975, 3) = 3.182446
    half = 3.182446305 * math.sqrt(0.25 / 3) / 2
    assert result.difference.low == pytest.approx(-1.25 - half, abs=1e-8)
    assert result.difference.high == pytest.approx(-1.25 + half, abs=1e-8)
    assert result.p_value == 0.125


def test_pairs_of_unequal_length_are_refused() -> None:
    with pytest.raises(ValueError, match="Pairs"):
        significance.paired_difference([1.0, 2.0], [1.0])


def test_holm_of_a_worked_example() -> None:
    assert significance.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert significance.holm([]) == []
    assert significance.holm([0.9, 0.8]) == [1.0, 1.0]
    with pytest.raises(ValueError, match="p values"):
        significance.holm([1.5])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_keeps_the_order_and_makes_the_smallest_bonferronis(p_values: list[float]) -> None:
    corrected = significance.holm(p_values)
    for p, larger in zip(p_values, corrected, strict=True):
        assert p <= larger <= 1
    order = np.argsort(p_values, kind="stable")
    assert np.all(np.diff(np.asarray(corrected)[order]) >= 0)
    assert min(corrected) == min(1.0, len(p_values) * min(p_values))


def test_the_paired_t_test_is_scipys() -> None:
    differences = np.random.default_rng(6).normal(0.5, 1.0, size=7)
    expected = scipy_stats.ttest_1samp(differences, 0.0).pvalue
    assert significance.paired_t_p_value(differences) == pytest.approx(expected, rel=1e-12)
    # t = 2 sqrt(3) with two degrees of freedom: p = 1 - t / sqrt(2 + t^2) = 1 - sqrt(12 / 14).
    assert significance.paired_t_p_value([1.0, 2.0, 3.0]) == pytest.approx(1 - math.sqrt(12 / 14))


def test_equal_steps_are_no_proof_for_a_t_test() -> None:
    assert significance.paired_t_p_value([-1.0] * 5) is None
    assert significance.paired_t_p_value([0.3 - 0.1, 0.2]) is None, "equal but for rounding"
    assert significance.paired_t_p_value([2.0]) is None
    assert significance.paired_t_p_value([0.0]) is None, "which would enter Holm's family"
    assert significance.paired_t_p_value([0.0, 0.0, 0.0]) == 1.0
    assert significance.paired_difference([1.0], [0.5]).deviation is None


def test_the_power_of_the_t_test_is_that_of_the_noncentral_t() -> None:
    for n, effect in product((3, 5, 10, 60), (0.0, 0.4, 1.2)):
        limit = scipy_stats.t.ppf(0.975, n - 1)
        shift = effect * math.sqrt(n)
        expected = scipy_stats.nct.sf(limit, n - 1, shift) + scipy_stats.nct.cdf(
            -limit, n - 1, shift
        )
        assert significance.power_of_t_test(effect, n) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("n", "alpha"), [(3, 0.05), (5, 0.05), (5, 0.05 / 12), (30, 0.01)])
def test_a_detectable_difference_is_detected_four_times_in_five(n: int, alpha: float) -> None:
    difference = significance.detectable_difference(2.0, n, alpha)
    assert difference is not None
    samples = np.random.default_rng(7).normal(difference, 2.0, size=(20_000, n))
    t = samples.mean(axis=1) / samples.std(axis=1, ddof=1) * math.sqrt(n)
    detected = np.abs(t) > scipy_stats.t.ppf(1 - alpha / 2, n - 1)
    assert detected.mean() == pytest.approx(0.8, abs=4 * 0.0029)


def test_a_detectable_difference_needs_two_pairs_and_a_spread() -> None:
    assert significance.detectable_difference(1.0, 1) is None
    assert significance.detectable_difference(0.0, 5) == 0.0
    # The table for n = 34 pairs is half a standard deviation (Cohen, 1988).
    assert significance.detectable_difference(1.0, 34) == pytest.approx(0.4952, abs=1e-3)
    with pytest.raises(ValueError, match="power"):
        significance.detectable_difference(1.0, 5, alpha=0.5, power=0.4)
    with pytest.raises(ValueError, match="deviation"):
        significance.detectable_difference(math.nan, 5)


@pytest.mark.parametrize("effect", [0.2, 0.5, 0.8, 1.7])
@pytest.mark.parametrize(("alpha", "power"), [(0.05, 0.8), (0.05 / 12, 0.9)])
def test_the_pairs_needed_are_the_fewest_with_that_power(
    effect: float, alpha: float, power: float
) -> None:
    def power_of(n: int) -> float:
        limit, shift = scipy_stats.t.ppf(1 - alpha / 2, n - 1), effect * math.sqrt(n)
        return float(
            scipy_stats.nct.sf(limit, n - 1, shift) + scipy_stats.nct.cdf(-limit, n - 1, shift)
        )

    n = significance.pairs_needed(3 * effect, 3.0, alpha, power)
    assert n == next(count for count in range(2, 2000) if power_of(count) >= power)
    assert n == significance.pairs_needed(-effect, 1.0, alpha, power)


def test_the_pairs_needed_are_those_of_the_tables() -> None:
    """Of Cohen, 1988, for one sample at the level 0.05 and a power of 0.8."""
    assert [significance.pairs_needed(effect, 1.0) for effect in (0.2, 0.5, 0.8)] == [199, 34, 15]
    assert significance.pairs_needed(1.0, 0.0) == 2
    assert significance.pairs_needed(0.0, 1.0) is None
    assert significance.pairs_needed(1e-9, 1.0) is None
    with pytest.raises(ValueError, match="finite difference"):
        significance.pairs_needed(math.inf, 1.0)


def test_as_many_pairs_as_are_needed_find_the_difference_as_often_as_is_asked() -> None:
    n = significance.pairs_needed(1.1, 1.0, 0.01, 0.9)
    assert n is not None
    found = []
    for count in (n, n - 1):
        samples = np.random.default_rng(count).normal(1.1, 1.0, size=(40_000, count))
        found.append((scipy_stats.ttest_1samp(samples, 0.0, axis=1).pvalue < 0.01).mean())
    assert found[0] >= 0.9 - 3 * 0.0015
    assert found[1] < 0.9 + 3 * 0.0015
    assert found[0] > found[1]


def test_the_interval_of_a_deviation_holds_it_as_often_as_it_says() -> None:
    samples = np.random.default_rng(1).normal(0.0, 2.0, size=(20_000, 5)).std(axis=1, ddof=1)
    factors = significance.deviation_interval(1.0, 5)
    assert factors is not None
    low, high = (samples * factor for factor in factors)
    assert ((low <= 2.0) & (high >= 2.0)).mean() == pytest.approx(0.95, abs=4 * 0.0016)
    expected = [2.0 * math.sqrt(4 / scipy_stats.chi2.ppf(share, 4)) for share in (0.975, 0.025)]
    assert significance.deviation_interval(2.0, 5) == pytest.approx(expected)
    assert significance.deviation_interval(2.0, 1) is None


def test_the_same_seed_draws_the_same_patterns_and_another_does_not() -> None:
    differences = np.random.default_rng(4).normal(0.3, 1.0, size=20)
    drawn = significance.sign_flip_p_value(differences, resamples=500, seed=1)
    np.random.seed(0)  # the global state must not matter
    assert significance.sign_flip_p_value(differences, resamples=500, seed=1) == drawn
    assert significance.sign_flip_p_value(differences, resamples=500, seed=2) != drawn
