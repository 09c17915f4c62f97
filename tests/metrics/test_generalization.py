# SPDX-License-Identifier: MIT
"""FID against two splits: equal counts, the gap, and its interval."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ganbench import registry
from ganbench.evaluation.evidence import of_features
from ganbench.evaluation.math.frechet import frechet_distance
from ganbench.evaluation.math.moments import moments

NAMES = ("fid-train", "fid-test", "fid-gap")


def drawn(count, size=6, *, seed=0):
    return np.random.default_rng(seed).normal(size=(count, size)).astype(np.float32)


def measured(training, held_out, fake):
    real = replace(of_features(training), held_out=of_features(held_out))
    return {
        name: registry.metrics.get(name)().compute(real, of_features(fake), seed=0)
        for name in NAMES
    }


def test_at_equal_counts_they_are_plain_distances():
    training, held_out, fake = drawn(200), drawn(200, seed=1), drawn(150, seed=2)
    values = measured(training, held_out, fake)
    for name, side in (("fid-train", training), ("fid-test", held_out)):
        expected = frechet_distance(moments(side), moments(fake))
        assert values[name].value == pytest.approx(expected, rel=1e-10)
    gap = values["fid-gap"]
    assert gap.value == values["fid-test"].value - values["fid-train"].value
    assert f"{values['fid-test'].value:.4g} from held-out" in gap.note


def test_the_larger_split_is_cut_to_the_size_of_the_smaller_one():
    training, held_out, fake = drawn(900), drawn(100, seed=1), drawn(150, seed=2)
    values = measured(training, held_out, fake)
    rows = np.random.default_rng(2020).permutation(900)[:100]
    expected = frechet_distance(moments(training[rows]), moments(fake))
    assert values["fid-train"].value == pytest.approx(expected, rel=1e-10)
    assert values["fid-train"].bias == pytest.approx(values["fid-test"].bias, rel=0.5)


def test_the_interval_of_the_gap_is_that_of_a_full_jackknife():
    training, held_out, fake = drawn(80), drawn(80, seed=1), drawn(60, seed=2)
    gap = measured(training, held_out, fake)["fid-gap"]
    without = [
        frechet_distance(moments(held_out), moments(rest))
        - frechet_distance(moments(training), moments(rest))
        for rest in (np.delete(fake, row, axis=0) for row in range(60))
    ]
    error = np.sqrt(59 * np.var(without))
    assert gap.high - gap.value == pytest.approx(2.00100 * error, rel=1e-4)


def test_copies_have_a_gap_and_fresh_samples_none(judged):
    training, held_out = drawn(300), drawn(300, seed=1)
    copies = measured(training, held_out, training)["fid-gap"]
    assert copies.value > 0
    fresh = [
        measured(training, held_out, drawn(300, seed=seed))["fid-gap"] for seed in range(2, 62)
    ]
    covered, width = judged(fresh)
    assert covered >= 0.88
    assert 0.8 < width < 1.4
    assert copies.value > np.mean([value.value for value in fresh])


def test_the_expected_gap_of_fresh_samples_is_the_floor():
    values = [
        measured(drawn(60, seed=seed), drawn(60, seed=seed + 500), drawn(60, seed=seed + 900))
        for seed in range(60)
    ]
    gaps = [value["fid-gap"].value for value in values]
    assert abs(np.mean(gaps)) < 3 * np.std(gaps) / 60**0.5
    evidence = of_features(drawn(60))
    assert registry.metrics.get("fid-gap")().floor(evidence, 60).value == 0.0
