# SPDX-License-Identifier: MIT
"""The variance of MMD^2 against simulations."""

from __future__ import annotations

import numpy as np
import pytest

from ganbench.evaluation.math import kernels
from ganbench.evaluation.math.kernels import (
    TwoSampleSums,
    sums_between,
    sums_within,
    two_sample_sums,
)
from ganbench.metrics.kid import polynomial


def drawn(count, size, *, seed=0, shift=0.0):
    return np.random.default_rng(seed).normal(size=(count, size)) + shift


def test_the_variance_is_right_where_pairs_make_all_of_it(monkeypatch):
    # Against many real samples of the same distribution no fake stands out by itself.
    random = np.random.default_rng(0)
    real = 2 * random.random((5000, 12)) - 1
    own = two_sample_sums(real[:2], real[:2], polynomial).real  # which does not move the variance
    trials = []
    for _ in range(400):
        fake = 2 * random.random((40, 12)) - 1
        chosen = np.zeros((0, 40)), np.zeros((0, 5000))
        trials.append(
            TwoSampleSums(
                own,
                sums_within(fake, polynomial, chosen[0]),
                sums_between(real, fake, polynomial, chosen[1], chosen[0]),
            )
        )
    variance = np.var([sums.unbiased for sums in trials])
    ratio = np.mean([sums.variance() for sums in trials]) / variance
    assert 0.9 < ratio < 1.7  # a jackknife would give 2
    monkeypatch.setattr(kernels, "_BLOCK", 7)
    again = sums_within(fake, polynomial, chosen[0])
    assert again.squares == pytest.approx(trials[-1].fake.squares)


def test_the_variance_of_a_part_is_scaled_to_the_whole():
    real, fake = drawn(400, 10), drawn(400, 10, seed=1, shift=0.5)
    whole = two_sample_sums(real, fake, polynomial).variance()
    part = two_sample_sums(real[:200], fake[:200], polynomial).variance(400)
    assert part == pytest.approx(whole, rel=0.4)
    assert two_sample_sums(real[:200], fake[:200], polynomial).variance() > 1.4 * whole
