# SPDX-License-Identifier: MIT
"""TTUR on the Dirac-GAN, whose moves are rates times known slopes."""

import numpy as np
import pytest
from dirac_gan import RATE, batch_at, dirac, players

from ganbench.config import sgd
from ganbench.moving import Moving
from ganbench.step import alternate
from ganbench.tricks.ttur import TTUR

pytestmark = pytest.mark.usefixtures("float64")


def moved(*tricks, seen=0, **settings):
    """Return psi and theta after an iteration at some point of training."""
    state = dirac(*tricks, **settings)
    state.images_seen = seen
    alternate(state, lambda: batch_at(0.4))
    return players(state)


@pytest.mark.parametrize("factor", [4.0, 0.25])
def test_the_discriminator_alone_moves_at_another_rate(factor):
    psi = 0.7 - factor * RATE * (1.3 - 0.4)
    np.testing.assert_allclose(moved(TTUR(factor=factor)), (psi, 1.3 + RATE * psi))


def test_schedules_are_multiplied():
    psi = 0.7 - 4 * 0.5 * RATE * (1.3 - 0.4)
    expected = (psi, 1.3 + 0.5 * RATE * psi)
    np.testing.assert_allclose(moved(TTUR(), seen=500, schedule="linear"), expected)


def test_rates_that_move_are_multiplied():
    rate = sgd(Moving(RATE, 0.02, over_kimg=0.4, shape="linear"))
    psi = 0.7 - 4 * 0.06 * (1.3 - 0.4)
    expected = (psi, 1.3 + 0.06 * psi)
    np.testing.assert_allclose(moved(TTUR(), seen=200, optimizer=rate), expected)
