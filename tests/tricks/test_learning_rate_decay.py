# SPDX-License-Identifier: MIT
"""Learning-rate decay on the Dirac-GAN, whose moves are rates times known slopes."""

import math

import numpy as np
import pytest
from dirac_gan import RATE, batch_at, dirac, players

from ganbench.config import sgd
from ganbench.errors import ConfigError
from ganbench.moving import Moving
from ganbench.step import alternate
from ganbench.tricks.extragradient import Extragradient
from ganbench.tricks.learning_rate_decay import LearningRateDecay
from ganbench.tricks.ttur import TTUR

pytestmark = pytest.mark.usefixtures("float64")

FACTORS = {
    "cosine": lambda share: (1 + math.cos(math.pi * share)) / 2,
    "linear": lambda share: 1 - share,
}


@pytest.mark.parametrize("schedule", ["constant", "linear"])
@pytest.mark.parametrize("shape", ["cosine", "linear"])
@pytest.mark.parametrize("final", [0.0, 0.2])
def test_the_rate_falls_whatever_the_recipe_says(shape, final, schedule):
    state = dirac(LearningRateDecay(shape=shape, final=final), schedule=schedule)
    psi, theta = 0.7, 1.3
    for seen in (0, 250, 600, 1000, 1200):
        state.images_seen = seen
        rate = RATE * (final + (1 - final) * FACTORS[shape](min(1, seen / 1000)))
        alternate(state, lambda: batch_at(0.4))
        psi -= rate * (theta - 0.4)
        theta += rate * psi
        np.testing.assert_allclose(players(state), (psi, theta))


def test_at_a_final_share_of_one_the_rate_is_constant():
    states = dirac(LearningRateDecay(final=1.0)), dirac()
    for state in states:
        state.images_seen = 700
        alternate(state, lambda: batch_at(0.4))
    assert players(states[0]) == players(states[1])


def test_trial_moves_and_other_rates():
    """A trial move of extragradient is made at the rate that is due, which TTUR multiplies."""
    state = dirac(LearningRateDecay(shape="linear"), TTUR(factor=3.0), Extragradient())
    state.images_seen = 400
    state.tricks.step_rule(alternate)(state, lambda: batch_at(0.0))
    rates = 3 * 0.6 * RATE, 0.6 * RATE
    psi, theta = 0.7 - rates[0] * 1.3, 1.3 + rates[1] * 0.7
    np.testing.assert_allclose(players(state), (0.7 - rates[0] * theta, 1.3 + rates[1] * psi))


def test_a_rate_that_moves_by_itself_is_refused():
    with pytest.raises(ConfigError, match=r"moves by itself: 0\.1->0"):
        dirac(LearningRateDecay(), optimizer=sgd(Moving(RATE, 0)))
