# SPDX-License-Identifier: MIT
"""Total variation over modes and the space between them: closed forms, and what it must notice."""

import math

import numpy as np
import pytest
import torch

from ganbench.data import open_dataset
from ganbench.evaluation.evidence import Evidence
from ganbench.evaluation.mode_counts import ModeCounts
from ganbench.evaluation.reference import Reference
from ganbench.metrics.total_variation import TotalVariation

INSIDE = 1 - math.exp(-9 / 2)
"""The share of a Gaussian in the plane within three standard deviations."""


def distance(per_mode, samples, inside=1.0):
    return TotalVariation().of_counts(ModeCounts(np.array(per_mode), samples, inside), seed=0)


@pytest.mark.parametrize(
    ("per_mode", "samples", "inside", "expected"),
    [
        ([25, 25, 25, 25], 100, 1.0, 0.0),
        ([100, 0, 0, 0], 100, 1.0, 0.75),  # all in one of four
        ([50, 50, 0, 0], 100, 1.0, 0.5),
        ([0, 0], 10, INSIDE, INSIDE),  # all outside, where 1 - INSIDE of the data lie
        ([45, 45], 100, 1.0, 0.1),  # a tenth lies where nothing should
        ([60, 20], 100, 1.0, 0.3),  # too many in one, too few in the other, a fifth outside
    ],
    ids=str,
)
def test_closed_forms(per_mode, samples, inside, expected):
    assert distance(per_mode, samples, inside).value == pytest.approx(expected)


@pytest.fixture(scope="module")
def ring():
    return open_dataset("ring8").load("train")


def measured(ring, points):
    reference = Reference(ring, metrics=["total-variation"], floors=False)
    return reference.evaluate(torch.as_tensor(points, dtype=torch.float32))["total-variation"]


def samples_of(ring, modes, *, sigmas=1.0, count=2500):
    generator = torch.Generator().manual_seed(3)
    mixture = ring.spec.mixture
    centers = torch.tensor(mixture.centers)[torch.arange(count) % modes]
    return centers + sigmas * mixture.sigma * torch.randn(count, 2, generator=generator)


def test_the_data_themselves_are_near_zero_and_inside_as_often_as_a_gaussian(ring):
    found = measured(ring, ring.values[:2500])
    assert found.value < 0.03
    assert found.low <= found.value <= found.high
    exact = samples_of(ring, 8, count=80_000)  # exactly as many in each mode
    assert measured(ring, exact).value < 0.005


def test_it_notices_what_the_other_numbers_of_modes_do_not(ring):
    missed = measured(ring, samples_of(ring, 7)).value
    assert missed == pytest.approx(1 / 8, abs=0.02)
    blurred = samples_of(ring, 8, sigmas=6.0)
    share = 1 - math.exp(-9 / 2 / 36)  # of a Gaussian within half of its standard deviation
    assert measured(ring, blurred).value == pytest.approx(INSIDE - share, abs=0.03)
    even = torch.rand(2500, 2, generator=torch.Generator().manual_seed(0)) * 2 - 1
    assert measured(ring, even).value > 0.95


def test_the_interval_holds_the_expectation(ring):
    rng = np.random.default_rng(0)
    shares, samples = np.array([0.3, 0.2, 0.3, 0.2]), 400
    draws = rng.multinomial(samples, shares, size=400)
    values = [
        abs(draw / samples - 0.25).sum() / 2 for draw in rng.multinomial(samples, shares, 9999)
    ]
    truth = float(np.mean(values))
    found = [distance(draw, samples) for draw in draws]
    inside = np.mean([each.low <= truth <= each.high for each in found])
    assert inside >= 0.92


def test_classes_have_no_outside():
    probabilities = torch.eye(4)[torch.tensor([0, 0, 0, 1])].numpy()
    found = TotalVariation().compute(
        Evidence(count=0), Evidence(count=4, probabilities=probabilities), seed=0
    )
    assert found.value == pytest.approx(0.5)
    assert "0 of the samples lie outside" in found.note
