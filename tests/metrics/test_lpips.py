# SPDX-License-Identifier: MIT
"""Means over pairs: LPIPS diversity, within classes, and paired by name."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from ganbench.errors import ConfigError, InputError
from ganbench.evaluation.evidence import Evidence
from ganbench.metrics.lpips import LpipsDiversity, LpipsPaired, LpipsWithinClass

METRICS = [LpipsDiversity, LpipsWithinClass, LpipsPaired]


def compute(metric, distances, count=100):
    evidence = Evidence(count, distances=np.array(distances, dtype=float))
    return metric().compute(evidence, evidence, seed=0)


@pytest.mark.parametrize("metric", METRICS)
def test_the_mean_has_students_interval(metric):
    distances = [0.1, 0.4, 0.25, 0.7]
    value = compute(metric, distances)
    expected = stats.ttest_1samp(distances, 0).confidence_interval(0.95)
    assert value.value == pytest.approx(np.mean(distances), rel=1e-12)
    assert (value.low, value.high) == pytest.approx((expected.low, expected.high), rel=1e-10)
    assert "4 independent pairs" in value.note
    assert value.bias is None


@pytest.mark.parametrize("metric", METRICS)
def test_what_has_no_interval_says_why(metric):
    equal = compute(metric, [0.0] * 50)
    assert (equal.value, equal.low) == (0.0, None)
    assert "all 50 pairs" in equal.note
    single = compute(metric, [0.3])
    assert (single.value, single.high) == (0.3, None)
    assert "only one pair" in single.note


@pytest.mark.parametrize("metric", METRICS)
def test_what_cannot_be_computed_says_so(metric):
    with pytest.raises(InputError, match=r"at least one pair.*, and 1 samples give none"):
        compute(metric, [], count=1)
    with pytest.raises(InputError, match="finite"):
        compute(metric, [0.1, np.nan])
    with pytest.raises(ConfigError, match="distances"):
        metric().compute(Evidence(3), Evidence(3), seed=0)


def test_the_interval_of_skewed_distances_covers_their_expectation():
    random = np.random.default_rng(0)
    values = [compute(LpipsDiversity, random.gamma(4.0, 0.1, size=100)) for _ in range(300)]
    assert np.mean([value.low <= 0.4 <= value.high for value in values]) >= 0.91


def test_each_asks_for_its_own_pairs():
    assert LpipsDiversity.needs == ("pairs",)
    assert LpipsWithinClass.needs == ("class-pairs",)
    assert LpipsPaired.needs == ("counterparts",)
    assert (LpipsDiversity.better, LpipsWithinClass.better) == ("higher", "higher")
    assert LpipsPaired.better == "lower"
    assert {metric.network for metric in METRICS} == {"alexnet"}
    assert not any(metric.compares for metric in METRICS)
    for metric in METRICS:  # points have no LPIPS
        assert metric.points == "no"
