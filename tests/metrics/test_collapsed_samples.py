# SPDX-License-Identifier: MIT
"""Samples that are all equal show no spread, so that no metric may give them an interval by it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ganbench import registry
from ganbench.errors import ConfigError
from ganbench.evaluation.evidence import Evidence, of_features
from ganbench.evaluation.metric import Metric
from ganbench.evaluation.mode_counts import ModeCounts
from ganbench.metrics.total_variation import TotalVariation

COUNT = 600
NAMES = sorted(registry.metrics.entries())


def evidence(features: np.ndarray, seed: int) -> Evidence:
    """Return evidence with everything that a metric of images or features may ask for."""
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet(np.ones(10), COUNT).astype(np.float32)
    return replace(of_features(features), probabilities=probabilities)


def drawn(seed: int, size: int, count: int = COUNT) -> Evidence:
    features = np.random.default_rng(seed).normal(size=(count, size)).astype(np.float32)
    return evidence(features.repeat(COUNT // count, axis=0), seed)


def collapsed(size: int) -> Evidence:
    made = drawn(7, size, count=1)
    assert made.probabilities is not None
    return replace(made, probabilities=made.probabilities[:1].repeat(COUNT, axis=0))


def measured(metric: Metric, size: int) -> tuple[float | None, float | None] | None:
    """Return the interval of a metric; None if it needs other evidence than this."""
    real = replace(drawn(0, size), held_out=drawn(1, size))
    try:
        value = metric.compute(real, collapsed(size), seed=0)
    except ConfigError:
        return None
    return value.low, value.high


@pytest.mark.parametrize("size", [8, 100])
def test_no_metric_has_an_interval_without_width(size: int) -> None:
    found = {name: measured(registry.metrics.get(name)(), size) for name in NAMES}
    intervals = {name: interval for name, interval in found.items() if interval is not None}
    assert {"fid", "kid", "fid-gap", "prd-recall", "data-copying", "realism"} <= intervals.keys()
    assert {
        name
        for name, (low, high) in intervals.items()
        if low is not None and high is not None and not high - low > 1e-6 * high
    } == set()


@pytest.mark.parametrize("per_mode", [[0, 0, 400, 0], [0, 0, 0, 0]])
def test_neither_have_points_in_one_mode_or_in_none(per_mode: list[int]) -> None:
    value = TotalVariation().of_counts(ModeCounts(np.array(per_mode), 400, 0.99), seed=0)
    assert (value.low, value.high) == (None, None)
    assert "no interval" in value.note
    spread = TotalVariation().of_counts(ModeCounts(np.array([1, 0, 399, 0]), 400, 0.99), seed=0)
    assert spread.low is not None
