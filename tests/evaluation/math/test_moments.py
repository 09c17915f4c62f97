# SPDX-License-Identifier: MIT
"""Streamed moments against numpy's, however the samples come and wherever they lie."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganbench.evaluation.math.moments import RunningMoments, merged, moments


def gathered(features, sizes):
    """Moments of features that come in chunks of the given sizes, in turn."""
    running, start, turn = RunningMoments(), 0, 0
    while start < len(features):
        size = sizes[turn % len(sizes)]
        running.add(features[start : start + size])
        start, turn = start + max(size, 0), turn + 1
    return running.moments()


def assert_same(merged_moments, whole, rel=1e-10):
    assert merged_moments.count == whole.count
    np.testing.assert_allclose(merged_moments.mean, whole.mean, rtol=1e-12, atol=1e-12)
    scale = np.abs(whole.covariance).max()
    np.testing.assert_allclose(
        merged_moments.covariance, whole.covariance, rtol=0, atol=rel * scale
    )


def by_numpy(features):
    wide = np.asarray(features, dtype=np.float64)
    return wide.mean(axis=0), np.cov(wide, rowvar=False)


def test_chunks_in_any_order_give_numpys_covariance():
    random = np.random.default_rng(0)
    features = random.normal(size=(500, 7)) @ random.normal(size=(7, 7)) + 3
    mean, covariance = by_numpy(features)
    for sizes in ([64], [1], [3, 0, 200], [500]):
        streamed = gathered(random.permutation(features), sizes)
        np.testing.assert_allclose(streamed.mean, mean, rtol=1e-12)
        np.testing.assert_allclose(streamed.covariance, covariance, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_mean_far_above_the_spread_costs_no_digits(dtype):
    features = (np.random.default_rng(1).normal(size=(2000, 5)) + 1e4).astype(dtype)
    mean, covariance = by_numpy(features)
    streamed = gathered(features, [64])
    np.testing.assert_allclose(streamed.mean, mean, rtol=1e-13)
    np.testing.assert_allclose(streamed.covariance, covariance, rtol=0, atol=1e-11)
    np.testing.assert_allclose(moments(features).covariance, covariance, rtol=0, atol=1e-11)


def test_a_first_chunk_unlike_the_rest_costs_few_digits():
    random = np.random.default_rng(2)
    features = np.concatenate([random.normal(size=(3, 4)) - 1e3, random.normal(size=(900, 4))])
    _, covariance = by_numpy(features)
    streamed = gathered(features, [3, 100])
    scale = np.abs(covariance).max()
    np.testing.assert_allclose(streamed.covariance, covariance, rtol=0, atol=1e-12 * scale)


def test_three_constant_images_have_the_statistics_that_pytorch_fid_expects():
    images = np.stack([np.full((3, 8, 8), level, np.uint8) for level in (0, 128, 255)])
    features = np.repeat(images.reshape(3, -1).mean(axis=1, keepdims=True) / 255, 16, axis=1)
    for computed in (moments(features), gathered(features, [1])):
        np.testing.assert_allclose(computed.mean, np.full(16, 0.5), atol=1e-3)
        np.testing.assert_allclose(computed.covariance, np.full((16, 16), 0.25), rtol=1e-4)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(2, 58), st.floats(-1e3, 1e3))
def test_parts_put_together_are_the_whole(seed, cut, apart):
    features = np.random.default_rng(seed).normal(size=(60, 4))
    features[:cut] += apart
    assert_same(merged(moments(features[:cut]), moments(features[cut:])), moments(features))


def test_fewer_than_two_samples_have_no_moments():
    running = RunningMoments()
    with pytest.raises(ValueError, match="not 0"):
        running.moments()
    running.add(np.zeros((0, 3)))
    running.add(np.zeros((1, 3)))
    with pytest.raises(ValueError, match="not 1"):
        running.moments()
