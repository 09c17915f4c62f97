# SPDX-License-Identifier: MIT
"""Realism and rarity of single samples, compared with full matrices and worked examples."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from ganbench.evaluation.math.sample_scores import rarity_scores, realism_scores


def drawn(count, size, *, seed):
    return np.random.default_rng(seed).normal(size=(count, size)).astype(np.float32)


def full(real, fake):
    """Both scores from full matrices."""
    real, fake = real.astype(np.float64), fake.astype(np.float64)
    radii = np.sort(cdist(real, real), axis=1)[:, 3]
    across = cdist(fake, real)
    kept = radii <= np.median(radii)
    realism = (radii[kept] / across[:, kept]).max(axis=1)
    held = np.where(across <= radii, radii, np.inf).min(axis=1)
    return realism, np.where(np.isfinite(held), held, np.nan)


@pytest.mark.parametrize("size", [2, 16, 128])
def test_both_are_those_of_full_matrices(size):
    real, fake = drawn(300, size, seed=0), drawn(700, size, seed=1)
    realism, rarity = full(real, fake)
    assert realism_scores(real, fake) == pytest.approx(realism, rel=1e-9)
    assert rarity_scores(real, fake) == pytest.approx(rarity, rel=1e-9, nan_ok=True)


def test_a_worked_example_on_a_line():
    real = np.array([[0.0], [1.0], [2.0], [3.0], [4.0], [20.0], [40.0], [60.0]], np.float32)
    # Distances to the third nearest other: 3, 2, 2, 2, 3, 18, 37, 57; the median is 3.
    fake = np.array([[2.5], [5.0], [30.0], [200.0], [2.0]], np.float32)
    realism = realism_scores(real, fake)
    assert realism[:4] == pytest.approx([4.0, 3.0, 3 / 26, 3 / 196])
    assert realism[4] == np.inf
    rarity = rarity_scores(real, fake)
    assert rarity[[0, 1, 2, 4]].tolist() == [2.0, 2.0, 18.0, 2.0]
    assert np.isnan(rarity[3])


def test_far_from_the_origin_nothing_is_lost():
    real, fake = drawn(100, 4, seed=0), drawn(50, 4, seed=1)
    moved = realism_scores(real + np.float32(1000), fake + np.float32(1000))
    expected, _ = full(real + np.float32(1000), fake + np.float32(1000))
    assert moved == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("copies", [1, 4, 9])
def test_a_copy_is_infinitely_realistic_however_often_its_original_is_there(copies):
    real = drawn(60, 3, seed=0)
    radii = np.sort(cdist(real, real), axis=1)[:, 3]
    original = real[radii.argmin()]
    real = np.concatenate([real, np.repeat(original[None], copies - 1, axis=0)])
    fake = np.stack([original, original + 1])
    assert np.isfinite(realism_scores(real, fake)).tolist() == [False, True]


def test_devices_without_float64_get_no_float64():
    real, fake = drawn(30, 3, seed=0), drawn(20, 3, seed=1)
    np.testing.assert_array_equal(realism_scores(real, fake, "mps"), realism_scores(real, fake))
