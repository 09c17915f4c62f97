# SPDX-License-Identifier: MIT
"""FID at infinity against Gaussians whose distance is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ganbench.errors import ConfigError, InputError
from ganbench.evaluation.evidence import Evidence, of_features
from ganbench.evaluation.math.moments import Moments, moments
from ganbench.metrics.fid import FrechetDistance
from ganbench.metrics.fid_infinity import (
    SIZES,
    FIDInfinity,
    intercept_weights,
    nested,
    variance_factor,
)

SIZE = 6
UNIT = Evidence(0, moments=Moments(0, np.zeros(SIZE), np.eye(SIZE)))


def drawn(seed, count, scale=1.3, shift=0.1):
    return np.random.default_rng(seed).normal(size=(count, SIZE)) * scale + shift


def truth(scale=1.3, shift=0.1):
    return SIZE * ((scale - 1) ** 2 + shift**2)


def infinity(features, real=UNIT):
    return FIDInfinity().compute(real, of_features(features), seed=0)


def test_a_straight_line_gives_its_intercept():
    sizes = np.linspace(500, 1000, SIZES).astype(np.int64)
    weights = intercept_weights(sizes)
    assert weights @ (3.5 + 700.0 / sizes) == pytest.approx(3.5, rel=1e-12)
    values = np.random.default_rng(0).normal(size=SIZES)
    _, intercept = np.polyfit(1 / sizes, values, 1)
    assert weights @ values == pytest.approx(intercept, rel=1e-9)


def test_the_variance_factor_is_the_sum_of_what_each_sample_weighs():
    sizes = np.linspace(50, 100, SIZES).astype(np.int64)
    weights = intercept_weights(sizes)
    each = [
        sum(w / n for w, n in zip(weights, sizes, strict=True) if n >= sample)
        for sample in range(1, 101)
    ]
    assert variance_factor(sizes, weights) == pytest.approx(np.square(each).sum(), rel=1e-12)
    # And of means of noise: the variance of the intercept of their line.
    noise = np.random.default_rng(0).normal(size=(20000, 100))
    means = np.stack([noise[:, :n].mean(axis=1) for n in sizes], axis=1)
    assert (means @ weights).var() == pytest.approx(np.square(each).sum(), rel=0.05)


def test_nested_moments_are_those_of_growing_parts_of_one_shuffle():
    features = drawn(0, 9000).astype(np.float32)
    shuffled = features[np.random.default_rng(2020).permutation(9000)]
    sizes = np.array([10, 4500, 9000])
    for size, part in zip(sizes, nested(features, sizes), strict=True):
        expected = moments(shuffled[:size])
        assert part.count == size
        np.testing.assert_allclose(part.mean, expected.mean, atol=1e-12)
        np.testing.assert_allclose(part.covariance, expected.covariance, atol=1e-12)


def test_the_value_is_the_line_through_fid_of_parts():
    features = drawn(0, 300)
    shuffled = features[np.random.default_rng(2020).permutation(300)]
    sizes = np.linspace(150, 300, 15).astype(int)
    distances = [
        FrechetDistance().compute(UNIT, of_features(shuffled[:n]), seed=0).value for n in sizes
    ]
    _, intercept = np.polyfit(1 / sizes, distances, 1)
    assert infinity(features).value == pytest.approx(intercept, rel=1e-8)


@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (1.3, 0.1)])
def test_the_value_and_its_interval_meet_the_known_distance(scale, shift):
    count, trials = 150, 150
    values = [infinity(drawn(100 + i, count, scale, shift)) for i in range(trials)]
    numbers = np.array([value.value for value in values])
    error = numbers.std() / np.sqrt(trials)
    expected = truth(scale, shift)
    assert numbers.mean() == pytest.approx(expected, abs=3 * error + 0.01)
    covered = np.mean([value.low <= expected <= value.high for value in values])
    assert covered >= 0.90
    plain = FrechetDistance()
    biased = np.mean(
        [
            plain.compute(UNIT, of_features(drawn(100 + i, count, scale, shift)), seed=0).value
            for i in range(20)
        ]
    )
    assert biased > expected + 10 * error  # FID itself has the bias that is extrapolated away


def test_a_line_that_bends_is_measured_and_warned_about():
    size, count, trials = 100, 200, 20
    real = Evidence(0, moments=Moments(0, np.zeros(size), np.eye(size)))
    values = [
        infinity(np.random.default_rng(i).normal(size=(count, size)), real) for i in range(trials)
    ]
    too_low = np.mean([value.value for value in values])
    assert too_low < -0.5  # the truth is zero
    assert np.mean([value.bias for value in values]) == pytest.approx(too_low, rel=0.5)
    assert np.mean([value.low <= 0 <= value.high for value in values]) >= 0.9
    assert np.mean(["not a straight line in 1/n" in value.warning for value in values]) > 0.5
    assert "straight" not in infinity(drawn(0, 2000)).warning


def test_a_memory_map_gives_the_same(tmp_path):
    features = drawn(0, 200).astype(np.float32)
    mapped = np.memmap(tmp_path / "rows", np.float32, "w+", shape=features.shape)
    mapped[:] = features
    known = of_features(features)
    assert FIDInfinity().compute(UNIT, replace(known, features=mapped), seed=3) == infinity(
        features
    )


def test_few_identical_or_unknown_samples_have_no_silent_number():
    wide = np.random.default_rng(0).normal(size=(40, 60))
    real = Evidence(0, moments=Moments(0, np.zeros(60), np.eye(60)))
    few = infinity(wide, real)
    assert "40 fake samples are too few" in few.warning
    assert "n = 40 is below 2 times the 60 features" in few.warning
    assert (few.low, few.high) == (None, None)
    alike = infinity(np.ones((100, SIZE)))
    assert np.isfinite(alike.value)
    assert "no spread" in alike.note
    without = FIDInfinity().compute(UNIT, replace(of_features(drawn(0, 90)), probe=None), seed=0)
    assert without.low is None
    assert "no interval" in without.note


def test_what_cannot_be_computed_says_so():
    with pytest.raises(InputError, match="at least 30 samples, not 29"):
        infinity(drawn(0, 29))
    known = of_features(drawn(0, 100))
    broken = known.features.copy()
    broken[17, 2] = np.inf
    with pytest.raises(InputError, match="finite"):
        FIDInfinity().compute(UNIT, replace(known, features=broken), seed=0)
    with pytest.raises(ConfigError, match="features"):
        FIDInfinity().compute(UNIT, Evidence(50, moments=moments(drawn(0, 50))), seed=0)
