# SPDX-License-Identifier: MIT
"""A discriminator is saturated if its loss stays flat, not if single batches are easy."""

import random

import pytest
from histories import history_of

from ganbench.health.saturation import (
    DISCRIMINATOR_SIGNAL,
    SATURATED_BELOW,
    SATURATION_TICKS,
    _find,
)


@pytest.mark.parametrize(("left", "expected"), [(0.0, True), (0.009, True), (0.011, False)])
def test_the_threshold_is_a_hundredth(left, expected):
    assert SATURATED_BELOW == 0.01
    assert bool(_find(history_of({DISCRIMINATOR_SIGNAL: lambda kimg: left}))) == expected


def test_it_takes_several_ticks():
    assert not _find(history_of({DISCRIMINATOR_SIGNAL: lambda kimg: 0.0}, SATURATION_TICKS - 1))
    assert _find(history_of({DISCRIMINATOR_SIGNAL: lambda kimg: 0.0}, SATURATION_TICKS))
    few = {DISCRIMINATOR_SIGNAL: lambda kimg: 0.0 if kimg > 95 else 0.3}
    assert not _find(history_of(few)), "half of the last ten ticks"


def test_a_loss_of_constant_slope_never_saturates():
    wasserstein = {DISCRIMINATOR_SIGNAL: lambda kimg: 1.0, "logits/real": lambda kimg: 1e4 * kimg}
    assert not _find(history_of(wasserstein))


def test_a_strong_discriminator_is_not_saturated():
    noise = random.Random(0)
    strong = {DISCRIMINATOR_SIGNAL: lambda kimg: 0.05 * 10 ** noise.gauss(0, 0.3)}
    assert not _find(history_of(strong))
