# SPDX-License-Identifier: MIT
"""MiFID against a plain implementation of its published conventions."""

from __future__ import annotations

import numpy as np
import pytest

from ganbench.errors import InputError
from ganbench.evaluation.evidence import of_features
from ganbench.metrics.fid import FrechetDistance
from ganbench.metrics.mifid import MemorizationInformedDistance, memorization_distance


def drawn(count, size=12, *, seed=0):
    return np.abs(np.random.default_rng(seed).normal(size=(count, size))).astype(np.float32)


def plainly(real, fake):
    """1 - |cos| of all pairs, the smallest for each real row, rows that sum to 0 left out."""
    sides = [side[side.sum(axis=1) != 0].astype(np.float64) for side in (real, fake)]
    real, fake = (side / np.linalg.norm(side, axis=1, keepdims=True) for side in sides)
    return (1 - np.abs(real @ fake.T)).min(axis=1).mean()


def mifid(real, fake):
    return MemorizationInformedDistance().compute(of_features(real), of_features(fake), seed=0)


def fid(real, fake):
    return FrechetDistance().compute(of_features(real), of_features(fake), seed=0)


@pytest.mark.parametrize(("counts", "size"), [((70, 50), 12), ((2100, 30), 5), ((30, 2100), 5)])
def test_the_distance_is_that_of_whole_matrices(counts, size):
    real, fake = drawn(counts[0], size), drawn(counts[1], size, seed=1)
    real[3] = 0.0
    assert memorization_distance(real, fake) == pytest.approx(plainly(real, fake), rel=1e-6)
    assert memorization_distance(real, -fake) == pytest.approx(plainly(real, fake), rel=1e-6)


def test_far_samples_have_the_fid_itself():
    real = np.eye(40, dtype=np.float32) + np.float32(0.01)
    fake = drawn(60, 40, seed=1)
    expected = fid(real, fake)
    value = mifid(real, fake)
    assert plainly(real, fake) >= 0.1
    assert value.value == pytest.approx(expected.value, rel=1e-9)
    assert (value.low, value.high) == pytest.approx((expected.low, expected.high), rel=1e-9)
    assert "divided" not in value.warning


def test_near_samples_have_it_divided_with_its_interval():
    real, fake = drawn(300), drawn(250, seed=1)
    distance = plainly(real, fake)
    assert distance < 0.1
    value, expected = mifid(real, fake), fid(real, fake)
    assert value.value == pytest.approx(expected.value / (distance + 1e-14), rel=1e-6)
    assert value.low == pytest.approx(expected.low / distance, rel=1e-6)
    assert value.bias == pytest.approx(expected.bias / distance, rel=1e-6)
    assert f"{distance:.3g}" in value.warning


def test_copies_are_at_distance_zero_to_float64():
    real = drawn(50, 200)
    assert memorization_distance(real, real[::-1]) < 1e-15
    # In float32 the cosine of a copy would be wrong by about 1e-7, and MiFID all noise.
    assert mifid(real, np.concatenate([real, real])).value > 1e9


def test_features_without_direction_are_refused():
    with pytest.raises(InputError, match="do not all sum to 0"):
        mifid(np.zeros((10, 4), dtype=np.float32), drawn(10, 4))


@pytest.mark.parametrize(("count", "size"), [(50, 200), (300, 128), (2100, 16)])
def test_copies_of_all_real_samples_give_zero_in_any_order(count, size):
    real = drawn(count, size)
    for seed in range(4):
        copies = real[np.random.default_rng(seed).permutation(count)]
        value = mifid(real, copies)
        assert (value.value, value.low, value.high, value.bias) == (0.0, None, None, None)
        assert "all real samples are copied" in value.note
        assert fid(real, copies).value == 0.0


def test_near_copies_are_told_from_copies_whatever_float32_sees():
    real = drawn(400, 50)
    near = real * (1 + 1e-5 * np.random.default_rng(1).normal(size=real.shape))
    distances = [
        memorization_distance(real, near[order]) for order in (slice(None), slice(None, None, -1))
    ]
    assert distances[0] == pytest.approx(plainly(real, near), rel=1e-3)
    assert 0 < distances[0] == pytest.approx(distances[1], rel=1e-12)
    crowd = real[0] * (1 + 1e-6 * np.arange(400)[:, None] * drawn(400, 50, seed=2))
    assert memorization_distance(crowd, crowd[::-1]) == 0.0  # float32 takes neighbors for copies


@pytest.mark.parametrize(("count", "size"), [(200, 512), (500, 64)])
def test_copies_that_differ_in_the_last_bits_give_zero(count, size):
    """A network describes an image a little differently in another batch."""
    real = drawn(count, size)
    noise = np.random.default_rng(1).normal(size=real.shape)
    value = mifid(real, (real * (1 + 6e-8 * noise)).astype(np.float32)[::-1])
    assert (value.value, value.low) == (0.0, None), "not FID's rounding error over 1e-14"


@pytest.mark.parametrize("part", [1e-6, 1e-5, 1e-4])
def test_near_copies_have_the_ratio_of_two_small_numbers_and_no_interval(part):
    real = drawn(500, 64).astype(np.float64)
    noise = np.random.default_rng(1).normal(size=real.shape)
    values = [mifid(real, real * (1 + scale * noise)) for scale in (part, 1e-3)]
    assert values[0].value == pytest.approx(values[1].value, rel=0.1)  # both fall with its square
    assert [value.low for value in values] == [None, None]
    assert values[0].note.startswith("no interval: nearly all real samples are copied; mean cosine")


def test_the_warning_of_fid_is_said_to_be_of_fid():
    assert "in FID, nearly all" in mifid(drawn(300), drawn(40, seed=1)).warning
