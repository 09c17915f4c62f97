# SPDX-License-Identifier: MIT
"""Perceptual path length: StyleGAN's rule for outliers, a closed form, and simulated intervals."""

from __future__ import annotations

import numpy as np
import pytest

from ganbench import registry
from ganbench.errors import ConfigError, InputError
from ganbench.evaluation.evidence import Evidence
from ganbench.metrics.perceptual_path_length import PathLengthMetric, trimmed_mean

NAMES = ("ppl-z", "ppl-w", "ppl-z-end", "ppl-w-end")


def length(distances, name="ppl-z"):
    evidence = Evidence(len(distances), distances=np.asarray(distances, dtype=float))
    return registry.metrics.get(name)().compute(evidence, evidence, seed=0)


@pytest.mark.parametrize("count", [1, 2, 50, 101, 500, 1234])
def test_outliers_are_left_out_by_the_rule_of_stylegan(count):
    distances = np.random.default_rng(count).lognormal(-18, 1.5, size=count)
    ordered = np.sort(distances)
    below = int(np.floor(0.01 * (count - 1)))
    above = int(np.ceil(0.99 * (count - 1)))
    expected = ordered[below : above + 1].mean() / 1e-8
    assert length(distances).value == pytest.approx(expected, rel=1e-12)


def test_without_outliers_the_interval_is_students():
    from scipy import stats

    distances = np.array([3e-8, 5e-8, 4e-8, 9e-8])
    value = length(distances)
    expected = stats.ttest_1samp(distances / 1e-8, 0).confidence_interval(0.95)
    assert (value.low, value.high) == pytest.approx((expected.low, expected.high), rel=1e-10)


def test_the_interval_of_a_trimmed_mean_is_that_of_winsorized_values():
    values = np.arange(1001, dtype=float)  # 10 are left out at each end
    value = trimmed_mean(values)
    winsorized = np.clip(values, 10, 990)
    error = winsorized.std(ddof=1) / (981 / 1001 * 1001**0.5)
    assert value.value == 500.0
    assert value.high - 500.0 == pytest.approx(1.96238 * error, rel=1e-4)


def test_intervals_cover_the_expectation(judged):
    random = np.random.default_rng(0)
    measured = [trimmed_mean(random.lognormal(0, 1, size=1000)) for _ in range(200)]
    covered, width = judged(measured)
    assert covered >= 0.9
    assert 0.9 < width < 1.1


def test_what_has_no_interval_says_why():
    assert "only one path" in length([1e-8]).note
    flat = length([0.0] * 30)
    assert (flat.value, flat.low) == (0.0, None)
    assert "equally long" in flat.note


def test_what_cannot_be_computed_says_so():
    with pytest.raises(InputError, match="finite"):
        length([1e-8, np.nan])
    with pytest.raises(ConfigError, match="steps of paths"):
        registry.metrics.get("ppl-w")().compute(Evidence(3), Evidence(3), seed=0)


@pytest.mark.parametrize("name", NAMES)
def test_each_asks_for_its_own_paths(name):
    metric = registry.metrics.get(name)
    assert issubclass(metric, PathLengthMetric)
    assert (metric.better, metric.network, metric.compares) == ("lower", "vgg16", False)
    assert len({registry.metrics.get(other).needs for other in NAMES}) == 4
