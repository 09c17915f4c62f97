# SPDX-License-Identifier: MIT
"""Precision, recall, density, and coverage against other implementations and simulations."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from scipy.stats import t as student

from ganbench import registry
from ganbench.errors import ConfigError, InputError
from ganbench.evaluation.evidence import Evidence, of_features
from ganbench.evaluation.math import neighbors
from ganbench.evaluation.math.neighborhoods import (
    NeighborhoodSweep,
    in_others_balls,
    sweep_neighborhoods,
)
from ganbench.metrics.coverage import Coverage, coverage_variance, expected_coverage
from ganbench.metrics.density import Density
from ganbench.metrics.precision import ImprovedPrecision
from ganbench.metrics.recall import ImprovedRecall

METRICS = (ImprovedPrecision, ImprovedRecall, Density, Coverage)


def drawn(count, size, *, seed=0, scale=1.0, shift=0.0):
    random = np.random.default_rng(seed)
    return (scale * random.normal(size=(count, size)) + shift).astype(np.float32)


def values(real, fake):
    sweep = sweep_neighborhoods(real, fake)
    return [metric().of_sweep(sweep).value for metric in METRICS]


def plainly(real, fake):
    """The four from full float64 matrices, written down from the papers."""
    real, fake = real.astype(np.float64), fake.astype(np.float64)
    within_real, within_fake, across = cdist(real, real), cdist(fake, fake), cdist(real, fake)
    third_real, third_fake = np.sort(within_real, 1)[:, 3], np.sort(within_fake, 1)[:, 3]
    fifth_real = np.sort(within_real, 1)[:, 5]
    return [
        (across <= third_real[:, None]).any(axis=0).mean(),
        (across <= third_fake).any(axis=1).mean(),
        (across < fifth_real[:, None]).sum(axis=0).mean() / 5,
        (across.min(axis=1) < fifth_real).mean(),
    ]


@pytest.mark.parametrize(
    ("counts", "size", "scale"),
    [((300, 200), 20, 1.0), ((150, 400), 100, 1.1), ((250, 250), 2, 0.7), ((6, 40), 70, 1.0)],
)
def test_all_four_are_those_of_full_matrices(counts, size, scale):
    real, fake = drawn(counts[0], size), drawn(counts[1], size, seed=1, scale=scale, shift=0.1)
    assert values(real, fake) == pytest.approx(plainly(real, fake), abs=1e-12)


def test_blocks_change_nothing(monkeypatch):
    real, fake = drawn(300, 80), drawn(250, 80, seed=1)
    whole = values(real, fake)
    monkeypatch.setattr(neighbors, "ROWS", 64)
    monkeypatch.setattr(neighbors, "COLUMNS", 16)
    assert values(real.copy(), fake.copy()) == whole


def test_precision_and_recall_are_those_of_torch_fidelity():
    prc = pytest.importorskip("torch_fidelity.metric_prc")
    real, fake = drawn(400, 64), drawn(300, 64, seed=1, scale=0.95)
    tensors = torch.from_numpy(fake), torch.from_numpy(real)  # its first input is generated
    expected = prc.calculate_precision_recall_full(*tensors)
    blockwise = prc.calculate_precision_recall_part(*tensors, batch_size=50)
    assert values(real, fake)[:2] == pytest.approx(expected, abs=1e-6)
    assert expected == pytest.approx(blockwise, abs=1e-6)


def test_a_tight_cluster_inside_has_high_precision_and_low_recall():
    generator = torch.Generator().manual_seed(42)
    fake = (torch.randn(200, 16, generator=generator) * 0.1).numpy()
    real = (torch.randn(200, 16, generator=generator) * 3.0).numpy()
    precision, recall, _, _ = values(real, fake)
    assert precision > 0.8
    assert recall < 0.3


def test_copies_of_ten_training_points_recall_those_ten():
    real = drawn(300, 64, shift=5.0)
    fake = real[np.random.default_rng(1).permutation(300)[:10]][np.arange(300) % 10]
    precision, recall, _, _ = values(real, fake)
    assert precision == 1.0
    assert recall == pytest.approx(10 / 300)  # with < it would be 0


@pytest.mark.parametrize("size", [2, 80])
def test_ties_fall_on_the_side_that_each_paper_says(size):
    # On a grid third and fifth neighbors are at distances that others have exactly.
    grid = np.stack(np.meshgrid(np.arange(8.0), np.arange(8.0)), axis=-1).reshape(-1, 2)
    real = np.zeros((64, size), dtype=np.float32)
    real[:, :2] = grid
    fake = real[::3] + np.float32(1.0)
    assert values(real, fake) == pytest.approx(plainly(real, fake), abs=1e-12)


def test_prdc_expects_this_of_equal_gaussians():
    # Its README has P .4772, R .4705, D 1.0555, C .9735 for 10,000 x 1,000, k = 5 throughout.
    real, fake = drawn(2000, 1000), drawn(2000, 1000, seed=1)
    precision, recall, density, coverage = values(real, fake)
    assert 0.2 < precision < 0.5
    assert 0.2 < recall < 0.5
    assert density == pytest.approx(1.0, abs=0.15)
    # A fake is nearer than the fifth of the 1,999 others: for equal distributions that is
    # 1 - C(2n-6, n) / C(2n-1, n), about 1 - 2^-5.
    assert coverage == pytest.approx(1 - 2**-5, abs=0.02)


@settings(max_examples=15)
@given(st.integers(0, 10_000))
def test_integers_with_many_ties_agree_with_full_matrices(seed):
    random = np.random.default_rng(seed)
    real = random.integers(0, 3, size=(40, 5)).astype(np.float32)
    fake = random.integers(0, 3, size=(30, 5)).astype(np.float32)
    assert values(real, fake) == pytest.approx(plainly(real, fake), abs=1e-12)


def test_the_seed_moves_the_interval_of_recall_and_no_value():
    real, fake = of_features(drawn(200, 20)), of_features(drawn(150, 20, seed=1))
    first, second = (
        [metric().compute(real, fake, seed=seed) for metric in METRICS] for seed in (0, 1)
    )
    assert [value.value for value in first] == [value.value for value in second]
    assert first[1].low != second[1].low
    assert first[1].low == ImprovedRecall().compute(real, fake, seed=0).low
    for value in first:
        assert value.low < value.value < value.high


@pytest.mark.parametrize(
    ("counts", "size", "scale", "shift"),
    [((200, 200), 16, 1.0, 0.0), ((300, 100), 16, 0.9, 0.2), ((150, 300), 8, 1.0, 0.5)],
)
def test_intervals_cover_the_expectation(counts, size, scale, shift):
    real = drawn(counts[0], size)
    rows = []
    for trial in range(60):
        fake = drawn(counts[1], size, seed=trial + 1, scale=scale, shift=shift)
        sweep = sweep_neighborhoods(real, fake, seed=trial)
        measured = [metric().of_sweep(sweep) for metric in METRICS]
        rows.append([(metric.low, metric.value, metric.high) for metric in measured])
    low, value, high = np.moveaxis(np.array(rows), 2, 0)  # each (60, 4)
    expectation = value.mean(axis=0)
    covered = ((low <= expectation) & (expectation <= high)).mean(axis=0)
    assert (covered >= 0.85).all(), covered
    spread = (high - low).mean(axis=0) / 3.92 / value.std(axis=0)
    assert (spread > 0.8).all(), spread
    assert (spread[:3] < 1.4).all(), spread
    assert spread[3] < 2.0, spread


def test_the_variance_of_coverage_is_right_where_it_is_known():
    # Real samples in pairs far from one another, whose balls hold the same visitors: the
    # covered share is a mean over independent cells of Bernoulli variables.
    random = np.random.default_rng(0)
    cells, fakes, trials = 100, 40, 400
    estimates, shares = [], []
    for _ in range(trials):
        visits = np.bincount(random.integers(cells, size=fakes), minlength=cells)
        sweep = sweep_of(np.repeat(visits, 2), np.repeat(random.permutation(cells) + 1, 2), fakes)
        estimates.append(coverage_variance(sweep))
        shares.append((visits > 0).mean())
    assert np.mean(estimates) == pytest.approx(np.var(shares), rel=0.2)


def test_the_interval_of_recall_has_the_variance_of_the_parts_times_their_odds():
    random = np.random.default_rng(0)
    recalled = random.random(4000) < 0.5
    recalled_by = random.random((4000, 50)) < np.linspace(0.4, 0.6, 50)
    value = ImprovedRecall().of_sweep(
        NeighborhoodSweep(np.zeros(999, bool), None, recalled, recalled_by, None, None)
    )
    error = (1.5 * recalled_by.mean(axis=0).var(ddof=1)) ** 0.5
    assert value.high - value.low == pytest.approx(2 * student.ppf(0.975, 49) * error, rel=0.05)


def sweep_of(visitors, parties, fakes):
    empty = np.zeros(fakes, dtype=bool)
    return NeighborhoodSweep(empty, None, None, None, visitors, parties.astype(np.uint64))


def test_few_samples_are_warned_about_with_what_half_of_them_would_give():
    real, fake = drawn(800, 8), drawn(800, 8, seed=1, scale=0.3)
    value = Density().compute(of_features(real), of_features(fake), seed=0)
    assert (
        "800 real and 800 fake samples are few: with half of them the value is 2." in value.warning
    )
    assert f"instead of {value.value:.3f}" in value.warning
    same = of_features(drawn(800, 8, seed=1))
    assert not Density().compute(of_features(real), same, seed=0).warning
    without_halves = Evidence(800, features=real), Evidence(800, features=fake)
    assert not Density().compute(*without_halves, seed=0).warning


def test_few_samples_of_one_set_are_warned_about_however_many_the_other_has():
    few, many = of_features(drawn(60, 2)), of_features(drawn(5000, 2, seed=1, scale=2.0))
    precision = ImprovedPrecision().compute(few, many, seed=0)
    assert "60 real samples are few: with half of them the value is 0." in precision.warning
    coverage = Coverage().compute(many, few, seed=0)
    reachable = 1 - math.comb(4999, 5) / math.comb(5059, 5)
    assert f"would reach {reachable:.3f} only, because there are only 60 " in coverage.warning
    assert "60 fake samples are few: with half of them the value is 0." in coverage.warning


def test_coverage_of_as_many_or_more_samples_is_not_warned_about():
    assert expected_coverage(1000, 1000) == pytest.approx(0.969, abs=0.001)
    assert Coverage().warning(1000, 1000) == Coverage().warning(300, 20_000) == ""


@pytest.mark.parametrize("metric", METRICS)
def test_what_cannot_be_measured_is_said_in_a_sentence(metric):
    name = registry.name_of(metric)
    good = of_features(drawn(40, 8))
    few = Evidence(2, features=drawn(2, 8))
    with pytest.raises(ConfigError, match=f"{name} needs features"):
        metric().compute(good, Evidence(5), seed=0)
    with pytest.raises(InputError, match="at least"):
        metric().compute(*((good, few) if name == "recall" else (few, good)), seed=0)
    broken = drawn(40, 8)
    broken[7, 3] = np.nan
    with pytest.raises(InputError, match="finite"):
        metric().compute(good, Evidence(40, features=broken), seed=0)
    with pytest.raises(InputError, match="one size"):
        metric().compute(good, Evidence(40, features=drawn(40, 9)), seed=0)


def test_one_sample_has_a_precision_and_identical_ones_have_a_recall():
    real = of_features(drawn(50, 8))
    single = Evidence(1, features=drawn(1, 8))
    assert ImprovedPrecision().compute(real, single, seed=0).value in {0.0, 1.0}
    assert Density().compute(real, single, seed=0).low is None
    same = of_features(np.repeat(drawn(1, 8, seed=1), 30, axis=0))
    assert ImprovedRecall().compute(real, same, seed=0).value == 0.0


@pytest.mark.parametrize(
    "features",
    [
        np.repeat(drawn(10, 4), 30, axis=0),
        np.concatenate([np.zeros((200, 3), np.float32), drawn(100, 3)]),
        np.random.default_rng(2).integers(0, 6, (500, 3)).astype(np.float32),
        drawn(200, 5),
    ],
    ids=["copies", "one point", "grid", "no ties"],
)
def test_balls_hold_all_ties_of_their_own_set(features):
    distances = cdist(features.astype(np.float64), features.astype(np.float64), "sqeuclidean")
    np.fill_diagonal(distances, np.inf)
    radii = np.sort(distances, axis=1)[:, 2]
    np.testing.assert_array_equal(in_others_balls(features), (distances <= radii).any(axis=1))


def test_floors_of_a_grid_are_what_another_set_on_it_gets():
    real, fake = (
        np.random.default_rng(seed).integers(0, 6, (500, 3)).astype(np.float32) for seed in (0, 1)
    )
    assert values(real, fake)[:2] == [1.0, 1.0]
    assert ImprovedPrecision().floor(of_features(real), 500).value == 1.0
    assert ImprovedRecall().floor(of_features(real), 500).value == 1.0
