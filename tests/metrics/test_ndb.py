# SPDX-License-Identifier: MIT
"""NDB against hand-computed tests of proportions, scikit-learn's assignment, and simulations."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from ganbench.errors import InputError
from ganbench.evaluation.evidence import Evidence
from ganbench.metrics import ndb
from ganbench.metrics.ndb import DifferentBins, assign, differ, js_divergence, make_partition


def drawn(count, size=8, *, seed=0, shift=0.0):
    return (np.random.default_rng(seed).normal(size=(count, size)) + shift).astype(np.float32)


def of(real, fake):
    real, fake = Evidence(len(real), features=real), Evidence(len(fake), features=fake)
    return DifferentBins().compute(real, fake, seed=0)


def test_proportions_are_compared_as_in_a_textbook():
    # 50 of 500 against 80 of 500: pooled 0.13, SE 0.02127, z = 2.821. 50 against 65: z = 1.487.
    real = np.array([50, 50, 400])
    assert differ(real, np.array([80, 65, 355])).tolist() == [True, False, True]
    pooled = 130 / 1000
    score = 0.06 / np.sqrt(pooled * (1 - pooled) * (2 / 500))
    assert 2 * norm.sf(score) < 0.05
    # Unequal counts: 10 of 100 against 70 of 400; z = 1.83, where half as many would do at 2 SE.
    assert not differ(np.array([10, 90]), np.array([70, 330])).any()
    assert differ(np.array([10, 90]), np.array([76, 324])).all()


def test_a_bin_that_both_leave_empty_does_not_differ():
    assert differ(np.array([0, 10]), np.array([0, 20])).tolist() == [False, False]


def test_divergence_is_symmetric_between_zero_and_log_two():
    first, second = np.array([30, 70]), np.array([60, 40])
    half = np.array([0.45, 0.55])
    shares = (np.array([0.3, 0.7]), np.array([0.6, 0.4]))
    expected = sum((p * np.log(p / half)).sum() for p in shares) / 2
    assert js_divergence(first, second) == pytest.approx(expected)
    assert js_divergence(second, first) == pytest.approx(expected)
    assert js_divergence(first, first) == 0.0
    assert js_divergence(np.array([5, 0]), np.array([0, 9])) == pytest.approx(np.log(2))


def test_samples_fall_into_the_bin_whose_center_is_nearest():
    real, fake = drawn(600), drawn(2500, seed=1)
    partition = make_partition(real)
    assert partition.counts.sum() == 600
    assert np.array_equal(np.bincount(assign(real, partition), minlength=100), partition.counts)
    squared = np.square(fake[:, None].astype(np.float64) - partition.centers).sum(axis=2)
    assert np.array_equal(assign(fake, partition), squared.argmin(axis=1))


def test_many_dimensions_are_thinned_the_same_way_each_time():
    real = drawn(150, 1002)
    first, again = make_partition(real), make_partition(real.copy())
    assert len(first.dimensions) == len(set(first.dimensions.tolist())) == 167
    assert np.array_equal(first.dimensions, again.dimensions)
    assert np.array_equal(first.centers, again.centers)


def test_equal_distributions_differ_in_the_share_of_bins_that_is_stated():
    random = np.random.default_rng(0)
    shares = []
    for _ in range(6):
        partition = make_partition(random.normal(size=(1000, 16)).astype(np.float32))
        for fake in random.normal(size=(5, 1000, 16)):
            counts = np.bincount(assign(fake, partition), minlength=100)
            shares.append(differ(partition.counts, counts).mean())
    assert 0.02 <= np.mean(shares) <= 0.04


def test_dropped_modes_are_counted():
    random = np.random.default_rng(0)
    centers = 40 * random.normal(size=(100, 8))
    real = centers[np.arange(3000) % 100] + random.normal(size=(3000, 8))
    fake = centers[np.arange(3000) % 60] + random.normal(size=(3000, 8))
    value = of(real.astype(np.float32), fake.astype(np.float32))
    assert value.value > 0.4
    assert "nats" in value.note
    assert of(real.astype(np.float32), real.astype(np.float32)).value == 0.0


def test_few_samples_are_warned_about_with_what_half_of_them_would_give():
    value = of(drawn(1000), drawn(300, seed=1, shift=0.6))
    assert "with half of the 300" in value.warning
    assert f"instead of {value.value:.2f}" in value.warning
    assert not of(drawn(1000), drawn(1000, seed=1)).warning


def test_the_seed_does_not_move_the_value():
    real, fake = Evidence(400, features=drawn(400)), Evidence(400, features=drawn(400, seed=1))
    values = {DifferentBins().compute(real, fake, seed=seed).value for seed in range(3)}
    assert len(values) == 1


def test_intervals_cover_the_expectation(monkeypatch):
    monkeypatch.setattr(ndb, "FEW", 0)
    real = drawn(1000)
    measured = [of(real, drawn(600, seed=seed, shift=0.3)) for seed in range(1, 61)]
    expectation = np.mean([value.value for value in measured])
    assert 0.05 < expectation < 0.5
    assert np.mean([value.low <= expectation <= value.high for value in measured]) >= 0.9


def test_fewer_real_samples_than_bins_are_refused():
    with pytest.raises(InputError, match="ndb needs the real features of at least 100"):
        of(drawn(99), drawn(200))


def test_the_warning_does_not_depend_on_the_order_of_the_samples():
    real = np.repeat(np.eye(10, dtype=np.float32), 60, axis=0) + drawn(600, 10) / 100
    in_turns = np.tile(np.eye(10, dtype=np.float32), (60, 1)) + drawn(600, 10, seed=1) / 100
    value = of(real, in_turns)
    assert value.value < 0.05
    assert value.warning == "" or "instead of" in value.warning
    by_class = np.concatenate([in_turns[start::10] for start in range(10)])
    halves = [
        float(each.warning.rpartition("ndb is ")[2].split()[0]) if each.warning else 0.0
        for each in (value, of(real, by_class))
    ]
    assert max(halves) <= value.value
