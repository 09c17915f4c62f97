# SPDX-License-Identifier: MIT
"""Modes, high quality, and reverse KL of samples made by hand, for classes and for points."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganbench.errors import ConfigError, InputError
from ganbench.evaluation.evidence import Evidence
from ganbench.evaluation.math.mode_divergence import (
    expected_of_even,
    kl_divergence,
    plug_in_bias,
)
from ganbench.evaluation.mode_counts import count_modes
from ganbench.gan import Mixture
from ganbench.metrics.high_quality import HighQuality
from ganbench.metrics.modes import Modes
from ganbench.metrics.reverse_kl import ReverseKL

SIGMA = 0.1
CORNERS = Mixture(((0.0, 0.0), (4.0, 0.0), (0.0, 4.0), (4.0, 4.0)), SIGMA)


def points(*rows):
    return Evidence(len(rows), points=np.array(rows, dtype=float), mixture=CORNERS)


def classes(labels, kinds=10):
    return Evidence(len(labels), probabilities=np.eye(kinds)[np.array(labels)])


def compute(metric, evidence, seed=0):
    return metric().compute(evidence, evidence, seed=seed)


def test_a_point_counts_within_three_sigma_of_its_nearest_center():
    near = points((2.9 * SIGMA, 0), (4 + 3.1 * SIGMA, 0), (0, 4 + 2.9 * SIGMA), (0, 4 - 0.1))
    assert count_modes(near, "modes").per_mode.tolist() == [1, 0, 2, 0]
    assert compute(Modes, near).value == 2
    assert compute(HighQuality, near).value == 0.75
    # The distance is Euclidean: each of these coordinates alone would be near enough.
    far = points((2.9 * SIGMA, 2.9 * SIGMA), (4, 4))
    assert compute(Modes, far).value == 1
    assert compute(HighQuality, far).value == 0.5


def test_three_sigma_itself_counts():
    exact = Mixture(((0.0, 0.0),), 0.25)  # 0.75 and its square are exact in binary
    evidence = Evidence(2, points=np.array([[0.75, 0.0], [0.7500001, 0.0]]), mixture=exact)
    assert compute(HighQuality, evidence).value == 0.5


def test_reverse_kl_counts_points_of_high_quality_alone():
    evidence = points((0, 0), (0, 0.05), (0, 0), (4, 0), (2, 2), (2, 1.9), (0.5, 0.5))
    expected = 0.75 * math.log(0.75 * 4) + 0.25 * math.log(0.25 * 4)
    assert compute(ReverseKL, evidence).value == pytest.approx(expected, rel=1e-12)


def test_without_a_point_of_high_quality_there_is_no_value():
    lost = points((2, 2), (2, 1.9))
    value = compute(ReverseKL, lost)
    assert math.isnan(value.value)
    assert (value.low, value.high) == (None, None)
    assert "no sample is of high quality" in value.note
    assert compute(Modes, lost).value == 0
    share = compute(HighQuality, lost)
    assert (share.value, share.low) == (0.0, 0.0)
    assert 0 < share.high < 1


def test_the_mixture_itself_has_the_expected_share():
    random = np.random.default_rng(0)
    centers = np.array(CORNERS.centers)[random.integers(4, size=2500)]
    samples = centers + SIGMA * random.normal(size=(2500, 2))
    evidence = Evidence(2500, points=samples, mixture=CORNERS)
    share = compute(HighQuality, evidence)
    assert share.low < 1 - math.exp(-4.5) < share.high
    assert compute(Modes, evidence).value == 4
    assert compute(ReverseKL, evidence).value < 0.005


def test_the_share_has_wilsons_interval():
    evidence = points(*[(0, 0)] * 8, *[(2, 2)] * 2)
    share, n, z = 0.8, 10, 1.959963985
    center = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    value = compute(HighQuality, evidence)
    assert (value.low, value.high) == pytest.approx((center - half, center + half), rel=1e-8)


def test_classes_are_counted_by_the_likeliest():
    probabilities = np.array([[0.4, 0.35, 0.25], [0.3, 0.3, 0.4], [0.5, 0.2, 0.3], [0.9, 0.1, 0]])
    evidence = Evidence(4, probabilities=probabilities)
    assert count_modes(evidence, "modes").per_mode.tolist() == [3, 0, 1]
    assert compute(Modes, evidence).value == 2
    expected = 0.75 * math.log(0.75 * 3) + 0.25 * math.log(0.25 * 3)
    assert compute(ReverseKL, evidence).value == pytest.approx(expected, rel=1e-12)


def test_stacked_digits_are_counted_by_triples():
    evidence = classes([[1, 2, 3], [1, 2, 3], [3, 2, 1], [0, 0, 9]])
    counts = count_modes(evidence, "modes")
    assert counts.per_mode.shape == (1000,)
    assert {int(n): int(counts.per_mode[n]) for n in counts.per_mode.nonzero()[0]} == {
        123: 2,
        321: 1,
        9: 1,
    }
    expected = 0.5 * math.log(0.5 * 1000) + 2 * 0.25 * math.log(0.25 * 1000)
    assert compute(ReverseKL, evidence).value == pytest.approx(expected, rel=1e-12)
    everything = [[n // 100, n // 10 % 10, n % 10] for n in range(1000)]
    assert compute(Modes, classes(everything)).value == 1000
    assert compute(ReverseKL, classes(everything)).value == pytest.approx(0.0, abs=1e-12)


def test_one_mode_for_all_is_log_k_without_an_interval():
    value = compute(ReverseKL, classes([3] * 100))
    assert value.value == pytest.approx(math.log(10), rel=1e-12)
    assert value.low is None
    assert "one mode" in value.note


def test_the_interval_of_reverse_kl_covers_its_expectation():
    random, shares = np.random.default_rng(0), np.arange(1, 11) / 55
    values = [compute(ReverseKL, classes(random.choice(10, 500, p=shares)), i) for i in range(200)]
    expectation = kl_divergence(random.multinomial(500, shares, size=5000)).mean()
    covered = np.mean([value.low <= expectation <= value.high for value in values])
    assert covered >= 0.90
    assert expectation == pytest.approx((shares * np.log(shares * 10)).sum() + 9 / 1000, abs=0.002)


def test_an_even_spread_is_expected_to_give_what_the_note_says():
    random = np.random.default_rng(0)
    for modes, count in ((2, 1), (10, 200), (1000, 300)):
        drawn = kl_divergence(random.multinomial(count, np.full(modes, 1 / modes), size=4000))
        assert expected_of_even(modes, count) == pytest.approx(drawn.mean(), rel=0.05)
    assert expected_of_even(2, 1) == pytest.approx(math.log(2), rel=1e-12)
    note = compute(ReverseKL, classes(np.arange(200) % 10 // 9)).note
    assert f"an even spread gives {expected_of_even(10, 200):.2g} at this n" in note


@pytest.mark.parametrize(("modes", "count"), [(10, 50), (10, 1000), (1000, 200), (1000, 20000)])
@pytest.mark.parametrize("slope", [0, 1])
def test_the_bias_of_reverse_kl_is_about_right_for_few_samples_and_for_many(modes, count, slope):
    random = np.random.default_rng(1)
    shares = np.arange(1, modes + 1.0) ** slope
    shares /= shares.sum()
    counts = random.multinomial(count, shares, size=300)
    true = kl_divergence(counts).mean() - (shares * np.log(shares * modes)).sum()
    assert np.mean([plug_in_bias(row) for row in counts]) == pytest.approx(true, rel=0.2)


def test_the_bias_of_reverse_kl_tells_modes_not_seen_yet_from_modes_that_are_not_there():
    random = np.random.default_rng(1)
    shares = np.where(np.arange(1000) < 500, 1 / 500, 0.0)
    counts = random.multinomial(200, shares, size=300)
    true = kl_divergence(counts).mean() - math.log(2)
    assert np.mean([plug_in_bias(row) for row in counts]) == pytest.approx(true, rel=0.2)
    # Each of three samples is in a mode of its own: all five modes may exist.
    alone = plug_in_bias(np.array([1, 1, 1, 0, 0]))
    assert alone == pytest.approx(math.log(5 / 3), rel=1e-12)
    assert plug_in_bias(np.array([1, 0, 0])) == plug_in_bias(np.array([7, 0, 0])) == 0.0


def test_reverse_kl_carries_its_bias():
    labels = np.random.default_rng(0).choice(10, 300, p=np.arange(1, 11) / 55)
    value = compute(ReverseKL, classes(labels))
    assert value.bias == plug_in_bias(np.bincount(labels, minlength=10)) > 0


def test_too_few_samples_to_meet_all_modes_are_warned_about():
    few = compute(Modes, classes(np.arange(30) % 10))
    assert few.warning == ""  # 10 (9/10)^30 = 0.42
    fewer = compute(Modes, classes(np.arange(20) % 10))
    assert "miss about 1.2 of 10 modes, because n is only 20" in fewer.warning
    lost = points(*[(2, 2)] * 50)
    assert compute(Modes, lost).warning == ""  # no point counts, but not for want of points


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=60), st.randoms(use_true_random=False))
def test_order_does_not_matter_and_bounds_hold(labels, random):
    shuffled = random.sample(labels, len(labels))
    for metric in (Modes, ReverseKL):
        value, of_shuffled = compute(metric, classes(labels)), compute(metric, classes(shuffled))
        assert value == of_shuffled
    assert compute(Modes, classes(labels)).value == len(set(labels))
    assert 0 <= compute(ReverseKL, classes(labels)).value <= math.log(10) + 1e-12


def test_each_is_measured_of_images_and_of_mixtures_and_compares_with_no_real_samples():
    for metric in (Modes, ReverseKL, HighQuality):
        assert (metric.points, metric.network, metric.compares) == ("mixture", None, False)
    assert Modes.needs == ReverseKL.needs == ("probabilities",)
    assert HighQuality.needs == ()


def test_what_cannot_be_computed_says_so():
    with pytest.raises(ConfigError, match="high-quality"):
        compute(HighQuality, classes([1, 2]))
    nameless = Evidence(2, points=np.zeros((2, 2)))
    for metric in (Modes, HighQuality, ReverseKL):
        with pytest.raises(ConfigError, match="mixture"):
            compute(metric, nameless)
        with pytest.raises(InputError, match="at least 1"):
            compute(metric, Evidence(0, points=np.zeros((0, 2)), mixture=CORNERS))
    with pytest.raises(InputError, match="finite"):
        compute(Modes, points((math.nan, 0.0)))
