# SPDX-License-Identifier: MIT
"""CMMD against whole matrices, its closed form for near directions, and simulations."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from ganbench.errors import InputError
from ganbench.evaluation.evidence import Evidence
from ganbench.metrics.cmmd import ClipDiscrepancy


def drawn(count, size=16, *, seed=0, shift=0.0):
    return np.random.default_rng(seed).normal(size=(count, size)) + shift


def cmmd(real, fake):
    real, fake = Evidence(len(real), features=real), Evidence(len(fake), features=fake)
    return ClipDiscrepancy().compute(real, fake, seed=0)


def unit(features):
    return features / np.linalg.norm(features, axis=1, keepdims=True)


def plainly(real, fake):
    """The biased estimate, as published: exponentials of whole matrices, diagonals included."""
    sides = unit(real), unit(fake)

    def mean(first, second):
        return np.exp(-cdist(first, second, "sqeuclidean") / 200).mean()

    return 1000 * (mean(sides[0], sides[0]) + mean(sides[1], sides[1]) - 2 * mean(*sides))


def test_two_samples_on_each_side_by_hand():
    # Directions e1 and e2 against e1 and -e1: squared distances 2 within and 4; 0, 4, 2, 2 across.
    real, fake = np.eye(2) * 3, np.array([[1.0, 0.0], [-5.0, 0.0]])
    near, far = np.exp(-2 / 200), np.exp(-4 / 200)
    expected = 1000 * ((1 + near) / 2 + (1 + far) / 2 - (1 + far + 2 * near) / 2)
    assert cmmd(real, fake).value == pytest.approx(expected, rel=1e-9)


def test_it_is_that_of_whole_matrices_and_nearly_the_distance_of_means():
    real, fake = drawn(150), drawn(90, seed=1, shift=0.4)
    value = cmmd(real, fake)
    assert value.value == pytest.approx(plainly(real, fake), rel=1e-8)
    apart = unit(real).mean(axis=0) - unit(fake).mean(axis=0)
    assert value.value == pytest.approx(10 * apart @ apart, rel=0.01)


def test_lengths_do_not_matter():
    real, fake = drawn(50), drawn(40, seed=1)
    assert cmmd(real * 7, fake * 0.1).value == pytest.approx(cmmd(real, fake).value, rel=1e-9)


def test_the_bias_is_what_equal_distributions_give():
    measured = [cmmd(drawn(60, seed=seed), drawn(40, seed=seed + 1)) for seed in range(0, 80, 2)]
    values = np.array([value.value for value in measured])
    assert measured[0].bias == pytest.approx(values.mean(), abs=3 * values.std() / 40**0.5)
    assert "40, and 60 real" in measured[0].warning
    assert not cmmd(drawn(500), drawn(500, seed=1, shift=2.0)).warning


@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_intervals_cover_the_expectation(judged, shift):
    real = drawn(120, 24)
    measured = [cmmd(real, drawn(100, 24, seed=seed, shift=shift)) for seed in range(1, 81)]
    covered, spread = judged(measured)
    assert covered >= 0.85
    assert 0.8 < spread < 1.25


def test_the_same_samples_are_at_zero_and_too_few_are_refused():
    assert cmmd(drawn(30), drawn(30)).value == pytest.approx(0.0, abs=1e-9)
    with pytest.raises(InputError, match="cmmd needs the features of at least 2"):
        cmmd(drawn(30), drawn(1))


@pytest.mark.parametrize("offset", [0.0, 30.0, 1000.0])
def test_copies_give_zero_in_any_order_however_parallel_the_features_are(offset):
    real = (drawn(400) + offset).astype(np.float32)
    assert {
        cmmd(real, real[np.random.default_rng(k).permutation(400)]).value for k in range(4)
    } == {0.0}
