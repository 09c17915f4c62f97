# SPDX-License-Identifier: MIT
"""The median realism of a set, its interval, and its floor."""

from __future__ import annotations

import numpy as np
import pytest

import ganbench
from ganbench.errors import InputError
from ganbench.evaluation.evidence import Evidence
from ganbench.evaluation.math.sample_scores import realism_scores
from ganbench.metrics.realism import Realism


def drawn(count, *, seed, size=8):
    return np.random.default_rng(seed).normal(size=(count, size)).astype(np.float32)


def realism(real, fake):
    real, fake = Evidence(len(real), features=real), Evidence(len(fake), features=fake)
    return Realism().compute(real, fake, seed=0)


def test_it_is_the_median_of_the_scores_with_ranks_of_the_binomial():
    real, fake = drawn(200, seed=0), drawn(100, seed=1)
    scores = np.sort(realism_scores(real, fake))
    value = realism(real, fake)
    assert value.value == pytest.approx(np.median(scores))
    assert (value.low, value.high) == (scores[39], scores[60])  # 95 % of a Binomial(100, 1/2)


def test_intervals_cover_the_median_of_the_distribution(judged):
    real = drawn(300, seed=0)
    measured = [realism(real, drawn(80, seed=seed)) for seed in range(1, 121)]
    covered, _ = judged(measured)
    assert covered >= 0.9


def test_far_samples_have_less_and_copies_are_told():
    real = drawn(100, seed=0)
    near, far = realism(real, drawn(60, seed=1)).value, realism(real, drawn(60, seed=1) + 9).value
    assert far < 0.5 < near
    copies = realism(real, real)
    assert copies.value == np.inf
    assert copies.warning == "at least half of the samples are copies of real ones"
    assert realism(real, drawn(3, seed=1)).low is None
    with pytest.raises(InputError, match="realism needs the real features of at least 4"):
        realism(real[:3], real)


def test_the_floor_is_that_of_held_out_samples():
    real, fake = drawn(400, seed=0), drawn(100, seed=1)
    result = ganbench.evaluate(fake=fake, real=real, metrics=["realism", "rarity"], progress=False)
    for name in ("realism@points", "rarity@points"):
        record = result["metrics"][name]
        assert record["floor"] == pytest.approx(record["value"], rel=0.25)
        assert record["low"] < record["value"] < record["high"]
