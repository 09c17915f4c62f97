# SPDX-License-Identifier: MIT
"""Momentum below zero and at zero, against the formulas of SGD and Adam on the Dirac-GAN."""

import math

import numpy as np
import pytest
from dirac_gan import RATE, Constant, batch_at, dirac, linear, players
from small_states import state_of

from ganbench.config import Recipe, adam, rmsprop, sgd
from ganbench.errors import ConfigError
from ganbench.gan import GAN, DataSpec
from ganbench.losses import non_saturating
from ganbench.step import alternate
from ganbench.tricks.momentum import Momentum

pytestmark = pytest.mark.usefixtures("float64")


@pytest.mark.parametrize("beta", [-0.5, 0.0, 0.3])
def test_sgd(beta):
    state = dirac(Momentum(beta=beta, players="both"), optimizer=sgd(RATE, momentum=0.9))
    psi, theta, velocities = 0.7, 1.3, [0.0, 0.0]
    for _ in range(20):
        alternate(state, lambda: batch_at(0.4))
        velocities[0] = beta * velocities[0] + theta - 0.4
        psi -= RATE * velocities[0]
        velocities[1] = beta * velocities[1] - psi
        theta -= RATE * velocities[1]
        np.testing.assert_allclose(players(state), (psi, theta), rtol=1e-9)


def test_it_damps_what_positive_momentum_feeds():
    """The distance from the equilibrium of the bilinear game after many alternating updates."""

    def distance(beta):
        state = dirac(Momentum(beta=beta, players="both"))
        for _ in range(300):
            alternate(state, lambda: batch_at(0.0))
        return np.hypot(*players(state))

    start = np.hypot(0.7, 1.3)
    assert distance(-0.5) < 0.7 * start < 0.9 * start < distance(0.0) < 1.1 * start
    assert distance(0.5) > 2 * start


@pytest.mark.parametrize("beta", [-0.5, 0.0])
def test_adam(beta):
    optimizer = adam(RATE, (0.9, 0.8))
    state = dirac(Momentum(beta=beta, players="both"), loss=non_saturating, optimizer=optimizer)
    point, first, second = np.array([0.7, 1.3]), np.zeros(2), np.zeros(2)

    def sigmoid(value):
        return 1 / (1 + math.exp(-value))

    for count in range(1, 21):
        alternate(state, lambda: batch_at(0.4))
        for index in range(2):
            psi, theta = point
            slope = -psi * sigmoid(-psi * theta)
            if index == 0:
                slope = theta * sigmoid(psi * theta) - 0.4 * sigmoid(-psi * 0.4)
            first[index] = beta * first[index] + (1 - beta) * slope
            second[index] = 0.8 * second[index] + 0.2 * slope**2
            mean, square = first[index] / (1 - beta**count), second[index] / (1 - 0.8**count)
            point[index] -= RATE * mean / (math.sqrt(square) + 1e-8)
        np.testing.assert_allclose(players(state), point, rtol=1e-8)


def test_the_generator_keeps_its_momentum_unless_both_are_named():
    for kind, found in ((adam(RATE, (0.5, 0.9)), "betas"), (sgd(RATE, momentum=0.5), "momentum")):
        optimizers = dirac(Momentum(), optimizer=kind).optimizers
        groups = {role: optimizers[role].param_groups[0] for role in optimizers}
        values = {role: group[found] for role, group in groups.items()}
        first = {role: value[0] if found == "betas" else value for role, value in values.items()}
        assert first == {"discriminator": -0.5, "generator": 0.5}


@pytest.mark.parametrize("players", ["discriminator", "both"])
def test_rmsprop_is_refused(players):
    with pytest.raises(ConfigError, match="momentum sets the momentum of Adam or SGD"):
        dirac(Momentum(players=players), optimizer=rmsprop(RATE))


def test_rmsprop_may_move_the_player_that_is_left_alone():
    gan = GAN(
        generator=lambda _: Constant((1.3,)),
        discriminator=lambda _: linear((0.7,)),
        loss=non_saturating,
        recipe=Recipe(
            kimg=1, generator_optimizer=rmsprop(RATE), discriminator_optimizer=adam(RATE)
        ),
    )
    assert state_of(gan, DataSpec("line", "1", (1,)), [Momentum()]).optimizers
