# SPDX-License-Identifier: MIT
"""Losses that swing for good, as against noise, drift, and swings that die down."""

import math
import random

import numpy as np
import pytest
from histories import history_of

from ganbench.health.oscillation import (
    ADVERSARIAL_LOSSES,
    _find,
    _lacking,
    detrended,
    strongest_period,
)


def both(value, count=100, other=None):
    """Return a history in which the losses follow one or two functions of the tick."""
    values = dict(zip(ADVERSARIAL_LOSSES, (value, other or value), strict=True))
    return history_of(values, count)


def swing(period, *, phase=0.0, noise=0.0, decay=0.0, seed=0):
    """Return a swinging loss."""
    drawn = random.Random(seed)
    return lambda kimg: (
        1.0
        + math.exp(-decay * kimg) * math.sin(2 * math.pi * kimg / period + phase)
        + drawn.gauss(0, noise)
    )


@pytest.mark.parametrize("period", [3.3, 5, 7.7, 9.5, 12, 16])
def test_a_swing_is_found_with_its_period(period):
    found = _find(both(swing(period, noise=0.3), other=swing(period, phase=2, noise=0.3, seed=1)))
    assert found is not None
    named = float(found.message.split("period of ")[1].split()[0])
    assert named == pytest.approx(period, rel=0.15)


def test_both_players_must_swing_alike():
    assert not _find(both(swing(5), other=swing(9)))
    assert not _find(both(swing(5), other=lambda kimg: 1.0))
    assert not _find(both(swing(5), other=swing(5, noise=3.0)))


def test_a_swing_that_dies_down_converges():
    assert _find(both(swing(6, decay=0.0)))
    assert not _find(both(swing(6, decay=0.05), 60))


def test_a_swing_that_is_small_beside_what_the_loss_has_been_through_is_none():
    def small(kimg):
        return 5.0 * math.exp(-kimg / 5) + 0.02 * math.sin(kimg)

    assert not _find(both(small))
    assert _find(both(lambda kimg: 50 * small(kimg) if kimg > 40 else 0.0))


@pytest.mark.parametrize("kind", ["white", "walk", "drift", "constant"])
def test_noise_drift_and_rest_are_no_swing(kind):
    noise = random.Random(1)
    level = 0.0

    def value(kimg):
        nonlocal level
        level += noise.gauss(0, 1)
        return {"white": noise.gauss(0, 1), "walk": level, "drift": 0.1 * kimg**2, "constant": 1.0}[
            kind
        ]

    assert not _find(both(value))


def test_it_takes_forty_ticks():
    assert not _find(both(swing(5), 39))
    assert _lacking(both(swing(5), 39))
    assert _find(both(swing(5), 40))
    assert not _lacking(both(swing(5), 40))


def test_the_line_that_is_taken_out_is_the_one_of_least_squares():
    values = [random.Random(3).gauss(0, 1) + 0.3 * index for index in range(40)]
    line = np.polyfit(np.arange(40), values, 1)
    expected = np.array(values) - np.polyval(line, np.arange(40))
    assert detrended(values) == pytest.approx(expected.tolist())


@pytest.mark.parametrize("count", [40, 80])
def test_the_strongest_period_is_that_of_the_fourier_transform(count):
    drawn = random.Random(4)
    values = [drawn.gauss(0, 1) + 2 * math.sin(index) for index in range(count)]
    centered = np.array(values) - np.mean(values)
    powers = np.abs(np.fft.rfft(centered)) ** 2
    expected = 3 + int(np.argmax(powers[3 : count // 3 + 2]))
    cycles, share = strongest_period(centered.tolist())
    assert cycles == expected
    assert 3 < cycles < count // 3 + 1
    neighbors = 2 * powers[cycles - 1 : cycles + 2].sum()
    assert share == pytest.approx(neighbors / (count * np.square(centered).sum()))


@pytest.mark.parametrize("period", [2.1, 20])
def test_a_period_that_is_too_short_or_too_long_has_no_share(period):
    values = [math.sin(2 * math.pi * index / period) for index in range(40)]
    assert strongest_period(detrended(values))[1] == 0.0
