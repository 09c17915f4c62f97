# SPDX-License-Identifier: MIT
"""FID against closed forms, other implementations, and simulated expectations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm

from ganbench.errors import ConfigError, InputError
from ganbench.evaluation.evidence import Evidence, of_features
from ganbench.evaluation.math.frechet import frechet_distance
from ganbench.evaluation.math.moments import Moments, moments
from ganbench.metrics.fid import CleanFID, DinoDistance, FrechetDistance


def features(seed, count=300, size=12, scale=1.0, shift=0.0):
    random = np.random.default_rng(seed)
    mixing = np.random.default_rng(size).normal(size=(size, size))
    return random.normal(size=(count, size)) @ mixing * scale + shift


def fid(real, fake, seed=0):
    return FrechetDistance().compute(of_features(real), of_features(fake), seed=seed)


def with_moments(seed, count, mean, covariance):
    """Samples whose own mean and covariance (ddof 1) are exactly those given."""
    white = np.random.default_rng(seed).normal(size=(count, len(mean)))
    white -= white.mean(axis=0)
    white = white @ np.linalg.inv(np.linalg.cholesky(np.cov(white, rowvar=False))).T
    return white @ np.linalg.cholesky(covariance).T + mean


def by_sqrtm(real, fake):
    """The textbook formula, guarded as the libraries do: the square root of the product."""
    first, second = np.cov(real, rowvar=False), np.cov(fake, rowvar=False)
    difference = real.mean(axis=0) - fake.mean(axis=0)
    root = sqrtm(first @ second)
    if not np.isfinite(root).all():
        offset = 1e-6 * np.eye(len(first))
        root = sqrtm((first + offset) @ (second + offset))
    return difference @ difference + np.trace(first + second) - 2 * np.trace(root).real


def by_nuclear_norm(real, fake):
    """The same from singular values of the samples' product, which squares nothing."""
    halves = [(side - side.mean(axis=0)) / np.sqrt(len(side) - 1) for side in (real, fake)]
    shared = np.linalg.svd(halves[0] @ halves[1].T, compute_uv=False).sum()
    difference = real.mean(axis=0) - fake.mean(axis=0)
    return difference @ difference + sum(np.square(half).sum() for half in halves) - 2 * shared


# The value


def test_gaussians_with_chosen_moments_have_the_closed_form():
    variances, others = np.array([1.0, 4.0, 0.25]), np.array([9.0, 1.0, 2.0])
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    real = with_moments(1, 50, np.zeros(3), turn @ np.diag(variances) @ turn.T)
    fake = with_moments(2, 80, np.array([1.0, -2.0, 0.5]), turn @ np.diag(others) @ turn.T)
    expected = 1 + 4 + 0.25 + np.square(np.sqrt(variances) - np.sqrt(others)).sum()
    assert fid(real, fake).value == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("size", [2, 8, 32, 256])
@pytest.mark.parametrize("count", [2, 4, 16, 64, 512, 4096])
def test_agrees_with_the_square_root_of_the_product(count, size):
    random = np.random.default_rng(2023)
    real, fake = random.normal(size=(count, size)), random.normal(size=(count, size))
    # A singular product's square root is off by 1e-8 in each direction without variance.
    tolerance = {"abs": 1e-5} if count > size else {"rel": 1e-6}
    assert fid(real, fake).value == pytest.approx(by_sqrtm(real, fake), **tolerance)


def test_as_many_samples_as_features_give_a_number():
    random = np.random.RandomState(1)
    value = fid(random.rand(4, 4), random.rand(4, 4))
    assert np.isfinite([value.value, value.low, value.high, value.bias]).all()


def test_agrees_with_torch_fidelity():
    metric_fid = pytest.importorskip("torch_fidelity.metric_fid")
    real = features(1, count=400, size=64).astype(np.float32)
    fake = features(2, count=300, size=64, scale=0.7, shift=0.2).astype(np.float32)
    statistics = [
        metric_fid.fid_features_to_statistics(torch.from_numpy(side)) for side in (real, fake)
    ]
    (expected,) = metric_fid.fid_statistics_to_metric(*statistics, False).values()
    assert fid(real, fake).value == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("count", [20, 64, 200])
def test_fewer_samples_than_features_agree_with_the_nuclear_norm(count):
    real = features(1, count=count, size=256)
    fake = features(2, count=count + 10, size=256, scale=1.2, shift=0.1)
    expected = by_nuclear_norm(real, fake)
    assert fid(real, fake).value == pytest.approx(expected, rel=1e-10)
    metric_fid = pytest.importorskip("torch_fidelity.metric_fid")
    statistics = [
        {"mu": side.mean(axis=0), "sigma": np.cov(side, rowvar=False)} for side in (real, fake)
    ]
    (theirs,) = metric_fid.fid_statistics_to_metric(*statistics, False).values()
    assert theirs == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("condition", [1e4, 1e9, 1e13])
def test_an_ill_conditioned_covariance_agrees_with_the_nuclear_norm(condition):
    random = np.random.default_rng(0)
    turn = np.linalg.qr(random.normal(size=(60, 60)))[0]
    scales = np.logspace(0, -np.log10(condition) / 2, 60)
    real, fake = (random.normal(size=(200, 60)) * scales @ turn for _ in range(2))
    assert fid(real, 1.2 * fake).value == pytest.approx(by_nuclear_norm(real, 1.2 * fake), rel=1e-6)


@pytest.mark.parametrize("count", [20, 300])
def test_identical_sets_are_at_no_distance(count):
    values = features(3, count=count, size=32)
    values[:, 3] = 0.0  # a feature that never fires
    values[:, 5] = values[:, 6]  # and a feature that repeats another
    value = fid(values, values)
    assert value.value == 0.0
    assert value.low == 0.0
    assert "nearly all" not in value.warning


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_neither_order_nor_sides_nor_seed_matter(seed):
    real, fake = features(seed, count=60, size=6), features(seed + 1, count=50, size=6, shift=0.3)
    shuffled = np.random.default_rng(seed).permutation(fake)
    value = fid(real, fake)
    assert fid(real, shuffled).value == pytest.approx(value.value, rel=1e-9)
    assert fid(fake, real).value == pytest.approx(value.value, rel=1e-7)
    assert value.value >= 0
    assert fid(real, fake, seed=1) == value


def test_turning_and_shifting_both_sides_changes_nothing_and_scale_is_squared():
    real, fake = features(1), features(2, scale=1.3, shift=0.5)
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(12, 12)))[0]
    value = fid(real, fake)
    moved = fid(3 * real @ turn + 7, 3 * fake @ turn + 7)
    assert moved.value == pytest.approx(9 * value.value, rel=1e-9)
    assert moved.bias == pytest.approx(9 * value.bias, rel=1e-5)
    assert moved.high - moved.low == pytest.approx(9 * (value.high - value.low), rel=1e-6)


# The interval and the bias


@pytest.mark.parametrize(("count", "size"), [(200, 6), (24, 32)])
@pytest.mark.parametrize("scale", [1.0, 1.3])
def test_the_interval_covers_the_expectation_at_this_n(count, size, scale):
    real, trials = of_features(features(1, count=500, size=size)), 200
    metric = FrechetDistance()
    values = [
        metric.compute(
            real, of_features(features(100 + i, count=count, size=size, scale=scale)), seed=0
        )
        for i in range(trials)
    ]
    others = [
        frechet_distance(
            real.moments, moments(features(9000 + i, count=count, size=size, scale=scale))
        )
        for i in range(trials)
    ]
    expectation = np.mean([*others, *(value.value for value in values)])
    covered = np.mean([value.low <= expectation <= value.high for value in values])
    assert covered >= 0.90  # 95 % is promised; 200 trials of it give less than 90 % once in 800
    width = np.mean([value.high - value.value for value in values]) / 1.98
    assert 0.8 < width / np.std([value.value for value in values]) < 2.0


@pytest.mark.parametrize(("count", "scale"), [(30, 1.0), (30, 1.5), (300, 1.0), (300, 1.5)])
def test_the_bias_is_what_infinitely_many_samples_take_away(count, scale):
    size = 8
    mixing = np.random.default_rng(size).normal(size=(size, size))
    real = moments(features(1, count=1000, size=size))
    truth = Moments(0, np.full(size, 0.2), scale**2 * mixing.T @ mixing)
    metric, real_evidence = FrechetDistance(), Evidence(1000, moments=real)
    values = [
        metric.compute(
            real_evidence,
            of_features(features(50 + i, count=count, size=size, scale=scale, shift=0.2)),
            seed=0,
        )
        for i in range(150)
    ]
    excess = [value.value - frechet_distance(real, truth) for value in values]
    error = np.std(excess) / np.sqrt(len(excess))
    assert np.mean([value.bias for value in values]) == pytest.approx(
        np.mean(excess), abs=3 * error + 0.1 * np.mean(excess)
    )


def test_a_large_bias_is_warned_about_and_a_small_one_is_not():
    few = fid(features(1), features(2, count=40, scale=1.4))
    assert 0.1 * few.value < few.bias < 0.9 * few.value
    sentence = f"about {few.bias:.3g} of the {few.value:.3g} is there because there are only "
    assert f"{sentence}300 real and 40 fake samples" in few.warning
    near = fid(features(1, count=5000), features(2, count=40))
    assert near.bias > 0.9 * near.value
    assert "nearly all of the" in near.warning
    many = fid(features(1), features(2, count=1000, shift=2.0))
    assert 0 < many.bias < 0.1 * many.value
    assert many.warning == ""


def test_too_few_samples_for_a_covariance_are_warned_about():
    value = fid(features(1, count=30, size=32), features(2, count=20, size=32))
    assert "30 real and 20 fake samples are too few for the covariance of 32" in value.warning
    unknown = replace(moments(features(1, size=32)), count=0)
    evidence = Evidence(0, moments=unknown)
    assert FrechetDistance().compute(evidence, evidence, seed=0).warning == ""


# Where there is too little


def test_samples_that_are_all_alike_have_no_interval():
    value = fid(features(1), np.full((100, 12), 0.3, dtype=np.float32))
    assert np.isfinite(value.value)
    assert (value.low, value.high, value.bias) == (None, None, None)
    assert "no spread" in value.note


def test_two_samples_have_a_value_and_no_interval():
    few = fid(features(1), features(2, count=2))
    assert np.isfinite(few.value)
    assert few.low is None
    assert "only 2 samples" in few.note
    assert "2 fake samples are too few" in few.warning


def test_duplicated_samples_have_numbers():
    repeated = features(2, count=5)[np.arange(200) % 5]
    value = fid(features(1), repeated)
    assert value.value == pytest.approx(by_nuclear_norm(features(1), repeated), rel=1e-6)
    assert np.isfinite([value.low, value.high, value.bias]).all()


def test_a_reference_of_one_image_repeated_is_at_the_distance_of_its_mean():
    fake = features(2, shift=0.5)
    value = fid(np.full((50, 12), 0.25), fake)
    expected = np.square(fake.mean(axis=0) - 0.25).sum() + np.cov(fake, rowvar=False).trace()
    assert value.value == pytest.approx(expected, rel=1e-12)
    square = np.square(fake - 0.25).sum(axis=1)  # the distance is about their mean
    assert value.high - value.value == pytest.approx(
        1.968 * square.std(ddof=1) / np.sqrt(300), rel=0.02
    )


def test_moments_alone_have_a_value_and_no_interval():
    real, fake = of_features(features(1)), Evidence(0, moments=moments(features(2)))
    value = FrechetDistance().compute(real, fake, seed=0)
    assert value.value == pytest.approx(fid(features(1), features(2)).value, rel=1e-12)
    assert value.low is None
    assert "no interval: only the mean and covariance" in value.note


def test_what_cannot_be_computed_says_so():
    with pytest.raises(InputError, match="at least 2 fake samples, not 1"):
        fid(features(1), features(2, count=1))
    with pytest.raises(InputError, match="at least 2 real samples, not 1"):
        fid(features(2, count=1), features(1))
    single = Evidence(0, moments=Moments(1, np.zeros(12), np.eye(12)))
    with pytest.raises(InputError, match="at least 2 fake samples"):
        FrechetDistance().compute(of_features(features(1)), single, seed=0)
    broken = features(2)
    broken[7, 3] = np.nan
    with pytest.raises(InputError, match="NaN"):
        fid(features(1), broken)
    with pytest.raises(InputError, match="12 of the real samples and 6 of the fake"):
        fid(features(1), features(2, size=6))
    with pytest.raises(ConfigError, match="moments"):
        FrechetDistance().compute(Evidence(3), Evidence(3), seed=0)


def test_clean_fid_and_fd_dinov2_are_fid_with_another_network():
    real, fake = of_features(features(1)), of_features(features(2, scale=1.3))
    for metric, network in ((CleanFID(), "inception-clean"), (DinoDistance(), "dinov2")):
        assert metric.compute(real, fake, seed=0) == FrechetDistance().compute(real, fake, seed=0)
        assert metric.network == network
        assert metric.needs == ("moments",)
    with pytest.raises(InputError, match=r"^fd-dinov2 needs"):
        DinoDistance().compute(real, of_features(features(2, count=1)), seed=0)


@pytest.mark.parametrize("counts", [(300, 4000), (4000, 300), (300, 300)])
def test_the_bias_knows_both_counts(counts):
    values = [
        FrechetDistance().compute(
            of_features(np.random.default_rng(2 * seed).normal(size=(counts[0], 32))),
            of_features(np.random.default_rng(2 * seed + 1).normal(size=(counts[1], 32))),
            seed=0,
        )
        for seed in range(6)
    ]
    excess = np.mean([value.value for value in values])  # the distributions are equal
    assert np.mean([value.bias for value in values]) == pytest.approx(excess, rel=0.1)
    sentence = f"there are only {counts[0]:,} real and {counts[1]:,} fake samples"
    assert all(sentence in value.warning for value in values)
    assert all("the reference held fixed" in value.note for value in values)


def test_a_file_of_statistics_leaves_the_bias_to_the_fakes():
    real, fake = of_features(features(1)), of_features(features(2))
    whole = FrechetDistance().compute(real, fake, seed=0)
    of_fakes = FrechetDistance().compute(replace(real, probe=None), fake, seed=0)
    assert of_fakes.value == whole.value
    assert 0.3 * whole.bias < of_fakes.bias < 0.7 * whole.bias
