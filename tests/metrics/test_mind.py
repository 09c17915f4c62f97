# SPDX-License-Identifier: MIT
"""MIND against its closed form, a plain implementation of its convention, and simulations."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ganbench.errors import InputError
from ganbench.evaluation.evidence import Evidence
from ganbench.metrics import mind
from ganbench.metrics.mind import MongeDistance


def drawn(count, size, *, seed=0, scale=1.0, shift=0.0):
    random = np.random.default_rng(seed)
    return (scale * random.normal(size=(count, size)) + shift).astype(np.float32)


def of(real, fake, seed=0):
    real, fake = Evidence(len(real), features=real), Evidence(len(fake), features=fake)
    return MongeDistance().compute(real, fake, seed=seed)


@pytest.fixture
def few_directions(monkeypatch):
    """A fifth of the directions, which are enough where no number is compared."""
    monkeypatch.setattr(mind, "DIRECTIONS", 200)


def plainly(real, fake):
    """The convention: a subset of the larger set, then directions, from one generator."""
    generator = torch.Generator().manual_seed(2020)
    real, fake = torch.from_numpy(real), torch.from_numpy(fake)
    count = min(len(real), len(fake))
    if len(fake) > count:
        fake = fake[torch.randperm(len(fake), generator=generator)[:count]]
    if len(real) > count:
        real = real[torch.randperm(len(real), generator=generator)[:count]]
    directions = torch.randn(1000, real.shape[1], generator=generator)
    directions = directions / directions.norm(dim=1, keepdim=True)
    ours, theirs = ((side @ directions.T).sort(dim=0).values for side in (real, fake))
    return 3 * real.shape[1] * float((ours - theirs).square().mean())


@pytest.mark.parametrize("counts", [(100, 100), (70, 120), (120, 70)])
def test_value_is_that_of_the_convention(counts):
    real, fake = drawn(counts[0], 24), drawn(counts[1], 24, seed=1, shift=0.3)
    assert of(real, fake).value == pytest.approx(plainly(real, fake), rel=1e-5)


def test_the_same_samples_are_at_zero_and_both_directions_are_equal(few_directions):
    real, fake = drawn(256, 32), drawn(256, 32, seed=1, shift=0.5)
    assert of(real, real[::-1].copy()).value == pytest.approx(0.0, abs=1e-9)
    assert of(real, fake).value == of(fake, real).value


@pytest.mark.parametrize("shift", [1.0, 3.0])
def test_a_shift_of_gaussians_has_its_closed_form(shift):
    real, fake = drawn(1500, 64), drawn(1500, 64, seed=1, shift=shift)
    assert of(real, fake).value == pytest.approx(3 * 64 * shift**2, rel=0.1)


def test_it_grows_with_the_shift(few_directions):
    real = drawn(200, 16)
    values = [of(real, drawn(200, 16, seed=1, shift=shift)).value for shift in (0.5, 1.0, 2.0)]
    assert values == sorted(values)


def test_the_bias_is_what_equal_distributions_give(few_directions):
    measured = [
        of(drawn(200, 16, seed=seed), drawn(200, 16, seed=seed + 1)) for seed in range(0, 20, 2)
    ]
    values = [value.value for value in measured]
    assert np.mean([value.bias for value in measured]) == pytest.approx(np.mean(values), rel=0.3)
    assert "200 samples are few" in measured[0].warning
    assert not of(drawn(200, 16), drawn(200, 16, seed=1, shift=3.0)).warning


@pytest.mark.parametrize(
    ("counts", "scale", "shift"), [((120, 120), 1.0, 0.0), ((200, 100), 1.2, 0.3)]
)
def test_intervals_cover_the_expectation(few_directions, judged, counts, scale, shift):
    real = drawn(counts[0], 12)
    measured = [
        of(real, drawn(counts[1], 12, seed=seed, scale=scale, shift=shift)) for seed in range(1, 51)
    ]
    covered, spread = judged(measured, quantile=2.093)
    assert covered >= 0.86
    assert 0.8 < spread < 1.5


def test_the_seed_moves_the_interval_and_not_the_value(few_directions):
    real, fake = drawn(100, 8), drawn(100, 8, seed=1)
    first, second = of(real, fake), of(real, fake, seed=1)
    assert first.value == second.value
    assert first.low != second.low


def test_few_samples_have_a_value_and_no_interval(few_directions):
    assert of(drawn(1, 8), drawn(5, 8, seed=1)).low is None
    assert of(drawn(39, 8), drawn(50, 8, seed=1)).low is None
    with pytest.raises(InputError, match="mind needs the features of at least 1"):
        of(drawn(5, 8), drawn(0, 8))


def test_the_bias_does_not_hang_on_one_halving(few_directions, monkeypatch):
    real, fake = drawn(200, 16), drawn(200, 16, seed=1, scale=1.3)

    def deviation():
        return np.std([of(real, fake, seed).bias for seed in range(16)])

    averaged = deviation()
    monkeypatch.setattr(mind, "HALVINGS", 1)
    assert averaged < 0.5 * deviation()  # 1 / 10^(1/2) is expected
