# SPDX-License-Identifier: MIT
"""AuthPct against full matrices, copies, and simulations."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from ganbench.errors import InputError
from ganbench.evaluation.evidence import Evidence
from ganbench.metrics.authpct import Authenticity


def drawn(count, size=20, *, seed=0):
    return np.random.default_rng(seed).normal(size=(count, size)).astype(np.float32)


def authpct(real, fake):
    real, fake = Evidence(len(real), features=real), Evidence(len(fake), features=fake)
    return Authenticity().compute(real, fake, seed=0)


def plainly(real, fake):
    real, fake = real.astype(np.float64), fake.astype(np.float64)
    within, across = cdist(real, real), cdist(fake, real)
    np.fill_diagonal(within, np.inf)
    return (across.min(axis=1) > within.min(axis=1)[across.argmin(axis=1)]).mean()


@pytest.mark.parametrize("size", [2, 20, 200])
def test_it_is_that_of_full_matrices(size):
    real, fake = drawn(150, size), drawn(120, size, seed=1)
    assert authpct(real, fake).value == pytest.approx(plainly(real, fake), abs=1e-12)


def test_copies_and_near_copies_are_not_authentic_and_far_samples_are():
    real = drawn(100)
    assert authpct(real, real).value == 0.0
    assert authpct(real, real + np.float32(1e-3)).value == 0.0
    assert authpct(real, real + np.float32(50.0)).value == 1.0
    half = np.concatenate([real[:50], real[:50] + np.float32(50.0)])
    assert authpct(real, half).value == 0.5


def test_a_copy_of_a_training_image_that_is_there_twice_is_a_copy():
    real = np.repeat(drawn(20), 2, axis=0)
    assert authpct(real, real[:10]).value == 0.0


def test_intervals_cover_the_expectation():
    real = drawn(200)
    values = [authpct(real, drawn(100, seed=seed)) for seed in range(1, 81)]
    expectation = np.mean([value.value for value in values])
    assert 0.5 < expectation < 0.8
    assert np.mean([value.low <= expectation <= value.high for value in values]) >= 0.88


def test_one_training_image_has_no_neighbor():
    with pytest.raises(InputError, match="authpct needs the real features of at least 2"):
        authpct(drawn(1), drawn(10))
