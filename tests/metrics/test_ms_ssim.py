# SPDX-License-Identifier: MIT
"""The mean structural similarity of pairs: a metric that is better low."""

from __future__ import annotations

import numpy as np
import pytest

from ganbench.errors import InputError
from ganbench.evaluation.evidence import Evidence
from ganbench.metrics.ms_ssim import MultiScaleSimilarity


def compute(similarities, count=100):
    evidence = Evidence(count, distances=np.array(similarities, dtype=float))
    return MultiScaleSimilarity().compute(evidence, evidence, seed=0)


def test_it_is_the_mean_of_independent_pairs():
    value = compute([0.1, 0.2, 0.6])
    assert value.value == pytest.approx(0.3, rel=1e-12)
    half = 4.302652729911275 * np.std([0.1, 0.2, 0.6], ddof=1) / np.sqrt(3)
    assert (value.low, value.high) == pytest.approx((0.3 - half, 0.3 + half), rel=1e-9)


def test_a_collapsed_generator_is_wholly_similar():
    value = compute([1.0] * 20)
    assert (value.value, value.low, value.high) == (1.0, None, None)
    assert "no interval" in value.note


def test_its_facts():
    metric = MultiScaleSimilarity
    assert (metric.better, metric.network, metric.needs) == ("lower", "structure", ("pairs",))
    assert not metric.compares


def test_too_few_samples_say_so():
    with pytest.raises(InputError, match="ms-ssim needs at least one"):
        compute([], count=1)
