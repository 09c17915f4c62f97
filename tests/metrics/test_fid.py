# SPDX-License-Identifier: MIT
"""FID against closed forms, other implementations, and simulated expectations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm

from ganbench.errors import ConfigError, InputError
from ganbench.metrics.fid import GROUPS, FrechetDistance, frechet_distance, moments
from ganbench.metrics.metric import Evidence


def features(seed, count=300, size=12, scale=1.0, shift=0.0):
    random = np.random.default_rng(seed)
    mixing = np.random.default_rng(size).normal(size=(size, size))
    return random.normal(size=(count, size)) @ mixing * scale + shift


def fid(real, fake, seed=0):
    real, fake = Evidence(len(real), features=real), Evidence(len(fake), features=fake)
    return FrechetDistance().compute(real, fake, seed=seed)


def with_moments(seed, count, mean, covariance):
    """Samples whose own mean and covariance (ddof 1) are exactly those given."""
    white = np.random.default_rng(seed).normal(size=(count, len(mean)))
    white -= white.mean(axis=0)
    white = white @ np.linalg.inv(np.linalg.cholesky(np.cov(white, rowvar=False))).T
    return white @ np.linalg.cholesky(covariance).T + mean


def by_sqrtm(real, fake):
    """The textbook formula: the matrix square root of the product."""
    first, second = np.cov(real, rowvar=False), np.cov(fake, rowvar=False)
    difference = real.mean(axis=0) - fake.mean(axis=0)
    root = sqrtm(first @ second).real
    return difference @ difference + np.trace(first + second - 2 * root)


def test_gaussians_with_chosen_moments_have_the_closed_form():
    variances, others = np.array([1.0, 4.0, 0.25]), np.array([9.0, 1.0, 2.0])
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    real = with_moments(1, 50, np.zeros(3), turn @ np.diag(variances) @ turn.T)
    fake = with_moments(2, 80, np.array([1.0, -2.0, 0.5]), turn @ np.diag(others) @ turn.T)
    expected = 1 + 4 + 0.25 + np.square(np.sqrt(variances) - np.sqrt(others)).sum()
    assert fid(real, fake).value == pytest.approx(expected, rel=1e-10)


def test_agrees_with_the_square_root_of_the_product():
    real, fake = features(1), features(2, count=200, scale=1.3, shift=0.4)
    assert fid(real, fake).value == pytest.approx(by_sqrtm(real, fake), rel=1e-6)


def test_agrees_with_torch_fidelity():
    metric_fid = pytest.importorskip("torch_fidelity.metric_fid")
    real, fake = features(1), features(2, count=200, scale=0.7, shift=0.2)
    statistics = [
        {"mu": one.mean(axis=0), "sigma": np.cov(one, rowvar=False)} for one in (real, fake)
    ]
    theirs = metric_fid.fid_statistics_to_metric(*statistics, False)
    (expected,) = theirs.values()
    assert fid(real, fake).value == pytest.approx(expected, rel=1e-6)


def test_fewer_samples_than_features_agree_with_the_nuclear_norm():
    real, fake = features(1, count=20, size=256), features(2, count=30, size=256, scale=1.2)
    halves = [(one - one.mean(axis=0)) / np.sqrt(len(one) - 1) for one in (real, fake)]
    shared = np.linalg.svd(halves[0] @ halves[1].T, compute_uv=False).sum()
    difference = real.mean(axis=0) - fake.mean(axis=0)
    expected = difference @ difference + sum(np.square(half).sum() for half in halves) - 2 * shared
    value = fid(real, fake)
    assert value.value == pytest.approx(expected, rel=1e-10)
    assert "singular" in value.note


@pytest.mark.parametrize("count", [20, 300])
def test_identical_sets_are_at_no_distance(count):
    one = features(3, count=count, size=32)
    one[:, 3] = 0.0  # a feature that never fires
    one[:, 5] = one[:, 6]  # and one that says the same as another
    assert fid(one, one).value == pytest.approx(0.0, abs=1e-8)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_neither_order_nor_sides_matter(seed):
    real, fake = features(seed, count=60, size=6), features(seed + 1, count=50, size=6, shift=0.3)
    shuffled = np.random.default_rng(seed).permutation(fake)
    value = fid(real, fake).value
    assert fid(real, shuffled).value == pytest.approx(value, rel=1e-9)
    assert fid(fake, real).value == pytest.approx(value, rel=1e-7)
    assert value >= 0


def test_the_jackknife_is_that_of_values_computed_anew():
    real, fake = features(1), features(2, count=110, scale=1.2)
    groups = np.array_split(np.random.default_rng(5).permutation(len(fake)), GROUPS)
    left_out = [
        frechet_distance(moments(real), moments(np.delete(fake, group, axis=0))) for group in groups
    ]
    error = np.sqrt((GROUPS - 1) / GROUPS * np.square(left_out - np.mean(left_out)).sum())
    value = fid(real, fake, seed=5)
    assert (value.high - value.value) == pytest.approx(2.0930240544 * error, rel=1e-6)
    assert fid(real, fake, seed=6).value == value.value


@pytest.mark.parametrize("scale", [1.0, 1.3])
def test_the_interval_covers_the_expectation_at_this_n(scale):
    real, trials = features(1, count=500, size=6), 200
    values = [fid(real, features(100 + i, count=200, size=6, scale=scale)) for i in range(trials)]
    others = [
        fid(real, features(9000 + i, count=200, size=6, scale=scale)).value for i in range(trials)
    ]
    expectation = np.mean([*others, *(one.value for one in values)])
    covered = np.mean([one.low <= expectation <= one.high for one in values])
    assert covered >= 0.90  # 95 % is promised; 200 trials of it give less than 90 % once in 800
    width = np.mean([one.high - one.low for one in values]) / (2 * 2.093)
    assert 0.8 < width / np.std([one.value for one in values]) < 2.0


def test_the_bias_is_positive_and_falls_with_n():
    real = features(1, count=4000, size=6)
    means = [
        np.mean([fid(real, features(50 + i, count=count, size=6)).value for i in range(20)])
        for count in (50, 200, 800)
    ]
    assert means[0] > 2.5 * means[1] > 2.5 * 2 * means[2]


def test_samples_that_are_all_alike_have_no_interval():
    value = fid(features(1), np.ones((100, 12)))
    assert np.isfinite(value.value)
    assert (value.low, value.high) == (None, None)
    assert "no interval" in value.note
    few = fid(features(1), features(2, count=2))
    assert np.isfinite(few.value)
    assert few.low is None


def test_what_cannot_be_computed_says_so():
    with pytest.raises(InputError, match="at least 2 samples, not 1"):
        fid(features(1), features(2, count=1))
    broken = features(2)
    broken[7, 3] = np.nan
    with pytest.raises(InputError, match="NaN"):
        fid(features(1), broken)
    with pytest.raises(ConfigError, match="features"):
        FrechetDistance().compute(Evidence(3), Evidence(3), seed=0)
