# SPDX-License-Identifier: MIT
"""The mean rarity of a set: of the samples that have one."""

from __future__ import annotations

import numpy as np
import pytest

from ganbench.evaluation.evidence import Evidence
from ganbench.evaluation.math.sample_scores import rarity_scores
from ganbench.metrics.rarity import Rarity


def drawn(count, *, seed, size=4):
    return np.random.default_rng(seed).normal(size=(count, size)).astype(np.float32)


def rarity(real, fake):
    real, fake = Evidence(len(real), features=real), Evidence(len(fake), features=fake)
    return Rarity().compute(real, fake, seed=0)


def test_it_is_the_mean_of_the_scores_that_there_are():
    real = drawn(200, seed=0)
    fake = np.concatenate([drawn(90, seed=1), drawn(10, seed=2) + np.float32(100)])
    scores = rarity_scores(real, fake)
    value = rarity(real, fake)
    assert value.value == pytest.approx(np.nanmean(scores))
    count = int((~np.isnan(scores)).sum())
    assert count <= 90
    assert f"{count} of 100 samples lie among real ones" in value.note


def test_samples_in_the_tails_are_rarer():
    real = drawn(500, seed=0)
    middle, tails = drawn(200, seed=1) * np.float32(0.3), drawn(200, seed=1) * np.float32(1.5)
    assert rarity(real, middle).high < rarity(real, tails).low


def test_intervals_cover_the_expectation(judged):
    real = drawn(300, seed=0)
    covered, width = judged([rarity(real, drawn(80, seed=seed)) for seed in range(1, 121)])
    assert covered >= 0.88
    assert 0.7 < width < 1.4


def test_without_a_score_there_is_no_value():
    value = rarity(drawn(50, seed=0), drawn(5, seed=1) + np.float32(1000))
    assert np.isnan(value.value)
    assert value.note == "none: 0 of 5 samples lie among real ones"
