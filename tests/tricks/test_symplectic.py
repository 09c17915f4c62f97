# SPDX-License-Identifier: MIT
"""Symplectic gradient adjustment, compared with the matrices of its paper."""

import numpy as np
import pytest
import torch
from dirac_gan import RATE, batch_at, dirac, players

from ganbench import registry
from ganbench.errors import ConfigError
from ganbench.gan import Loss
from ganbench.losses import wasserstein
from ganbench.step import alternate
from ganbench.tricks.consensus import Consensus
from ganbench.tricks.extragradient import Extragradient
from ganbench.tricks.r1 import R1
from ganbench.tricks.replay import Replay
from ganbench.tricks.symplectic import Symplectic

pytestmark = pytest.mark.usefixtures("float64")


def iterate(state, count, real):
    """Yield (psi, theta) after each of some iterations with real examples at one point."""
    step = state.tricks.step_rule(alternate)
    for _ in range(count):
        step(state, lambda: batch_at(real))
        yield players(state)


def adjusted(field, jacobian, weight, align):
    """Return F + lambda A^T F, and lambda."""
    turned = (jacobian - jacobian.T).T / 2 @ field
    slope = jacobian.T @ field
    sign = np.sign(field @ slope * (turned @ slope) / len(field) + 0.1) if align else 1.0
    return field + weight * sign * turned, sign


@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize("weight", [0.0, 1.0, 0.4])
@pytest.mark.parametrize("penalty", [0.0, 0.6])
def test_it_is_its_linear_map(weight, penalty, align):
    """F = (theta - c + penalty * psi, -psi), whose antisymmetric part is the bilinear game."""
    tricks = [Symplectic(weight=weight, align=align), *([R1(weight=penalty)] if penalty else [])]
    jacobian = np.array([[penalty, 1.0], [-1.0, 0.0]])
    point, center = np.array([0.7, 1.3]), np.array([0.0, 0.4])
    for moved in iterate(dirac(*tricks), 50, real=0.4):
        point = point - RATE * adjusted(jacobian @ (point - center), jacobian, weight, align)[0]
        np.testing.assert_allclose(moved, point, rtol=1e-9, atol=1e-12)


def test_it_converges_where_simultaneous_descent_leaves():
    def distances(weight):
        return np.linalg.norm(list(iterate(dirac(Symplectic(weight=weight)), 300, 0.0)), axis=1)

    assert distances(0.0)[-1] > 2
    assert distances(1.0)[-1] < 1e-5


GENERAL = Loss(
    "general",
    discriminator=lambda real, fake: (fake - 0.9 * fake**2 + 0.3 * fake**3 - real).mean(),
    generator=lambda real, fake: (-fake - 0.7 * fake**2).mean(),
)
"""A game that is not of zero sum, and has unstable points."""


def test_a_game_that_is_not_of_zero_sum():
    """Against the whole Jacobian from torch.func, where the sign of lambda differs."""

    def field(point):
        psi, theta = point

        def of_discriminator(psi):
            return GENERAL.discriminator(psi * 0.4, psi * theta)

        def of_generator(theta):
            return GENERAL.generator(psi * 0.4, psi * theta)

        slope = torch.func.grad
        return torch.stack([slope(of_discriminator)(psi), slope(of_generator)(theta)])

    signs = set()
    for start in np.random.default_rng(0).uniform(-2, 2, size=(40, 2)):
        psi, theta = start.tolist()
        state = dirac(Symplectic(weight=0.5), loss=GENERAL, psi=[psi], theta=[theta])
        point = torch.tensor(start)
        jacobian = torch.func.jacrev(field)(point).numpy()
        move, sign = adjusted(field(point).numpy(), jacobian, 0.5, align=True)
        signs.add(float(sign))
        (moved,) = iterate(state, 1, real=0.4)
        np.testing.assert_allclose(moved, start - RATE * move, rtol=1e-9)
    assert signs == {-1.0, 1.0}


def test_at_weight_zero_both_players_move_at_once():
    (first,), (second,) = (
        iterate(dirac(trick, loss=GENERAL), 1, real=0.4)
        for trick in (Symplectic(weight=0.0), Consensus(weight=0.0))
    )
    assert first == second


def test_it_counts_one_update_of_each_player_and_records_its_term():
    state = dirac(Symplectic(align=False), loss=wasserstein)
    list(iterate(state, 1, real=0.4))
    assert state.updates == {"discriminator": 1, "generator": 1}
    seen = state.statistics.flush()
    # <grad_theta (l2 - l1), F2> / 2 = <-2 psi, -psi> / 2, and <grad_psi (l1 - l2), F1> / 2
    assert seen["loss/discriminator/symplectic/adjustment"] == pytest.approx(0.7**2)
    expected = 0.5 * (0.9 + 1.3) * 0.9
    assert seen["loss/generator/symplectic/adjustment"] == pytest.approx(expected)


@pytest.mark.parametrize("other", [Extragradient(), Replay()])
def test_it_refuses_what_changes_its_game(other):
    with pytest.raises(ConfigError, match=f"which {registry.name_of(other)} would change"):
        dirac(Symplectic(), other)
    with pytest.raises(ConfigError, match="symplectic moves both players at once"):
        dirac(Symplectic(), discriminator_steps=5)
