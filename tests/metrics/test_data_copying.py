# SPDX-License-Identifier: MIT
"""C_T against the Mann-Whitney test of SciPy cell by cell, against copies, and in simulations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import mannwhitneyu
from sklearn.cluster import MiniBatchKMeans

from ganbench.errors import ConfigError, InputError
from ganbench.evaluation.evidence import Evidence
from ganbench.metrics.data_copying import PARTITION_CELLS, DataCopying


def drawn(count, size=6, *, seed=0):
    return np.random.default_rng(seed).normal(size=(count, size)).astype(np.float32)


def copying(training, held_out, fake, seed=0):
    sides = [Evidence(len(side), features=side) for side in (training, held_out, fake)]
    real = replace(sides[0], held_out=sides[1])
    return DataCopying().compute(real, sides[2], seed=seed)


def plainly(training, held_out, fake):
    """C_T as its paper defines it, with SciPy's Mann-Whitney test in each cell."""
    clusters = MiniBatchKMeans(PARTITION_CELLS, n_init=10, random_state=0).fit(training)
    labels = [clusters.predict(side) for side in (training, held_out, fake)]
    total, weights = 0.0, 0.0
    for cell in range(PARTITION_CELLS):
        in_cell = [
            side[places == cell]
            for side, places in zip((training, held_out, fake), labels, strict=True)
        ]
        among, fresh, made = (side.astype(np.float64) for side in in_cell)
        if len(made) <= 20 or not len(fresh):
            continue
        nearest = [cdist(side, among).min(axis=1) for side in (made, fresh)]
        u, n, m = mannwhitneyu(*nearest).statistic, len(fresh), len(made)
        score = (u - (n * m / 2 - 0.5)) / np.sqrt(n * m * (n + m + 1) / 12)
        total, weights = total + n * score, weights + n
    return total / weights


@pytest.mark.parametrize("counts", [(300, 200, 400), (500, 60, 300), (200, 400, 230)])
def test_it_is_the_mean_of_mann_whitney_scores(counts):
    training, held_out, fake = (drawn(count, seed=seed) for seed, count in enumerate(counts))
    fake = 0.5 * fake + 0.5 * training[np.arange(len(fake)) % len(training)]
    expected = plainly(training, held_out, fake)
    assert copying(training, held_out, fake).value == pytest.approx(expected, rel=1e-12)
    assert abs(expected) > 1


def test_ties_count_by_half():
    training, held_out = drawn(300), drawn(200, seed=1)
    fake = np.concatenate([training[:150], held_out, held_out])
    expected = plainly(training, held_out, fake)
    assert copying(training, held_out, fake).value == pytest.approx(expected, rel=1e-12)


def test_copies_are_far_below_zero_and_noise_is_far_above():
    training, held_out = drawn(500), drawn(300, seed=1)
    copied = copying(training, held_out, training + np.float32(1e-3))
    assert copied.value < -5
    assert "data copying" in copied.warning
    distant = copying(training, held_out, 2 * drawn(500, seed=2))
    assert distant.value > 3
    assert distant.warning == ""


def test_fresh_samples_are_at_the_floor():
    training = drawn(400)
    fresh = [
        copying(training, drawn(200, seed=seed), drawn(300, seed=seed + 100)).value
        for seed in range(1, 41)
    ]
    real = Evidence(400, features=training)
    assert DataCopying().floor(real, 300).value == 0.0
    assert abs(np.mean(fresh)) < 0.2
    assert np.std(fresh) == pytest.approx(PARTITION_CELLS**-0.5, rel=0.4)  # the mean of ten Z


def test_intervals_cover_the_expectation_over_the_fakes(judged):
    training, held_out = drawn(300), drawn(200, seed=1)
    measured = [copying(training, held_out, drawn(400, seed=seed)) for seed in range(2, 62)]
    covered, width = judged(measured)
    assert covered >= 0.88
    assert 0.8 < width < 1.25


def test_the_seed_moves_the_interval_alone():
    sides = drawn(200), drawn(100, seed=1), drawn(300, seed=2)
    first, second = copying(*sides), copying(*sides, seed=1)
    assert first.value == second.value
    assert first.low != second.low


def test_what_cannot_be_computed_says_so():
    with pytest.raises(InputError, match="more than 20 generated samples in a cell"):
        copying(drawn(100), drawn(50), drawn(15))
    alone = Evidence(100, features=drawn(100))
    with pytest.raises(ConfigError, match="held-out real samples"):
        DataCopying().compute(alone, alone, seed=0)


@pytest.mark.parametrize("seed", range(3))
def test_cells_that_k_means_leaves_without_training_samples_are_left_out(seed):
    training = np.repeat(drawn(8, 4, seed=seed), 20, axis=0)  # fewer points than cells
    held_out, fake = drawn(200, 4, seed=seed + 10), drawn(400, 4, seed=seed + 20)
    assert np.isfinite(copying(training, held_out, fake).value)
