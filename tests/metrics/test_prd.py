# SPDX-License-Identifier: MIT
"""The precision-recall curve for distributions: closed forms of histograms, and simulations."""

from __future__ import annotations

import numpy as np
import pytest

from ganbench.evaluation.evidence import Evidence
from ganbench.metrics.prd import PRDPrecision, PRDRecall, largest_f, prd_curve


def summaries(real, fake):
    precision, recall = prd_curve(np.array(real), np.array(fake))
    return float(largest_f(precision, recall, 8.0)), float(largest_f(precision, recall, 1 / 8))


def measured(real, fake):
    real, fake = Evidence(len(real), features=real), Evidence(len(fake), features=fake)
    return [metric().compute(real, fake, seed=0) for metric in (PRDRecall, PRDPrecision)]


def blobs(count, modes, *, seed):
    """Samples (count, 2) around some of 40 far centers."""
    random = np.random.default_rng(seed)
    places = random.choice(modes, size=count)
    return np.stack([100.0 * places, np.zeros(count)], axis=1) + random.normal(size=(count, 2))


def test_equal_histograms_have_one_and_disjoint_ones_nothing():
    assert summaries([0.25, 0.75], [0.25, 0.75]) == pytest.approx((1.0, 1.0), abs=1e-4)
    assert summaries([1.0, 0.0], [0.0, 1.0]) == pytest.approx((0.0, 0.0), abs=1e-4)


@pytest.mark.parametrize("share", [0.5, 0.25, 0.1])
def test_one_mode_of_several_has_full_precision_and_its_share_of_recall(share):
    """Q puts everything where P has some share: the curve is a rectangle with corner (1, share)."""
    real, fake = [share, 1 - share], [1.0, 0.0]
    precision, recall = prd_curve(np.array(real), np.array(fake))
    assert precision.max() == pytest.approx(1.0)
    assert recall.max() == pytest.approx(share, rel=1e-6)
    f8 = 65 * share / (64 + share)
    f_eighth = (1 + 1 / 64) * share / (1 / 64 + share)
    assert summaries(real, fake) == pytest.approx((f8, f_eighth), rel=1e-2)
    # The other way round, precision and recall change places.
    assert summaries(fake, real) == pytest.approx((f_eighth, f8), rel=1e-2)


def test_the_curve_at_a_slope_is_the_sum_of_minima():
    real, fake = np.array([0.2, 0.3, 0.5]), np.array([0.6, 0.3, 0.1])
    precision, recall = prd_curve(real, fake)
    middle = len(precision) // 2  # an angle of 45 degrees
    assert precision[middle] == pytest.approx(0.2 + 0.3 + 0.1)
    assert recall[middle] == pytest.approx(0.6)


def test_dropped_modes_cost_recall_and_added_ones_precision():
    whole, half = np.arange(10), np.arange(5)
    real, few = blobs(600, whole, seed=0), blobs(600, half, seed=1)
    recall, precision = measured(real, few)
    assert precision.value > 0.9
    assert recall.value == pytest.approx(0.5, abs=0.1)
    recall, precision = measured(few, real)
    assert recall.value > 0.9
    assert precision.value == pytest.approx(0.5, abs=0.1)
    assert precision.low < precision.value < precision.high


def test_the_value_does_not_depend_on_the_seed():
    real, fake = blobs(200, np.arange(8), seed=0), blobs(200, np.arange(8), seed=1)
    sides = [Evidence(200, features=side) for side in (real, fake)]
    values = {PRDRecall().compute(*sides, seed=seed).value for seed in range(3)}
    assert len(values) == 1
