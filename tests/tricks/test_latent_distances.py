# SPDX-License-Identifier: MIT
"""Terms on images from two latents, compared with updates of a linear generator by hand."""

import numpy as np
import pytest
import torch
from dirac_gan import RATE, SGD, linear
from small_states import state_of
from torch import nn

from ganbench.config import Recipe
from ganbench.errors import ConfigError
from ganbench.gan import GAN, Batch, DataSpec
from ganbench.losses import wasserstein
from ganbench.step import update
from ganbench.tricks.diversity_sensitive import DiversitySensitive
from ganbench.tricks.jacobian_clamping import JacobianClamping
from ganbench.tricks.latent_consistency import LatentConsistency
from ganbench.tricks.mode_seeking import ModeSeeking
from ganbench.tricks.replay import Replay
from ganbench.turn import Turn

pytestmark = pytest.mark.usefixtures("float64")

PSI = 0.7
BATCH = Batch(torch.full((4, 1), 0.4, dtype=torch.float64))


class Scaled(nn.Module):
    """G(z) = factor * z^power."""

    def __init__(self, factor, power=1):
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(factor))
        self.power = power

    def forward(self, latents):
        return self.factor * latents**self.power


def start(*tricks, factor=1.3, power=1):
    gan = GAN(
        generator=lambda _: Scaled(factor, power),
        discriminator=lambda _: linear((PSI,)),
        loss=wasserstein,
        recipe=Recipe(kimg=1, latent_dim=1, generator_optimizer=SGD, discriminator_optimizer=SGD),
    )
    return state_of(gan, DataSpec("line", "1", (1,)), tricks)


def moved(role, *tricks, factor=1.3):
    """Return how far the weight of a player moves in one update."""
    state = start(*tricks, factor=factor)
    weight = state.generator.factor if role == "generator" else state.discriminator.weight
    before = weight.item()
    update(state, role, BATCH)
    return weight.item() - before


def added(role, trick, factor=1.3):
    """Return the slope that a trick adds to a player's loss."""
    return -(moved(role, trick, factor=factor) - moved(role, factor=factor)) / RATE


@pytest.mark.parametrize("factor", [1.3, -0.5])
def test_mode_seeking(factor):
    """Images are ``|factor|`` times as far apart as latents, wherever these are."""
    slope = -2.0 * np.sign(factor) / (abs(factor) + 0.1) ** 2
    trick = ModeSeeking(weight=2.0, epsilon=0.1)
    np.testing.assert_allclose(added("generator", trick, factor), slope)
    assert moved("discriminator", trick) == moved("discriminator")


@pytest.mark.parametrize(("factor", "slope"), [(1.3, -2.0), (-0.5, 2.0), (1.7, 0.0), (-1.7, 0.0)])
def test_diversity_is_rewarded_up_to_the_bound(factor, slope):
    trick = DiversitySensitive(weight=2.0, bound=1.5)
    np.testing.assert_allclose(added("generator", trick, factor), slope, atol=1e-12)
    assert moved("discriminator", trick) == moved("discriminator")


def test_one_takes_the_ratio_of_means_and_the_other_the_mean_of_ratios():
    """For squares, ``|z^2 - z'^2| / |z - z'| = |z + z'|``."""
    first, second = np.array([1.0, 2.0, -1.0, 0.5]), np.array([0.0, 1.0, 3.0, -2.0])
    terms = []
    for trick in (ModeSeeking(), DiversitySensitive(bound=2.0)):
        state = start(trick, factor=1.0, power=2)
        latents = iter((first, second))
        state.latent_prior = lambda *_, latents=latents: torch.tensor(next(latents))[:, None]
        (term,) = trick.generator_terms(Turn(state, "generator", BATCH)).values()
        terms.append(term.item())
    ratio = abs(first**2 - second**2).mean() / abs(first - second).mean()
    mean = np.minimum(abs(first + second), 2.0).mean()
    np.testing.assert_allclose(terms, (1 / (ratio + 1e-5), -mean))


@pytest.mark.parametrize(
    ("factor", "slope"), [(1.3, 0.0), (2.5, 2 * 0.7), (-2.5, -2 * 0.7), (0.5, -2 * 0.6)]
)
def test_jacobian_clamping(factor, slope):
    """The stretch is ``|factor|`` for steps of any length, and free between the bounds."""
    trick = JacobianClamping(weight=1.0, lower=1.1, upper=1.8, step=0.3)
    np.testing.assert_allclose(added("generator", trick, factor), slope, atol=1e-12)
    assert moved("discriminator", trick) == moved("discriminator")


@pytest.mark.parametrize(
    ("role", "slope"),
    [
        ("generator", lambda square: -2 * 0.6 * 1.3 * square),
        ("discriminator", lambda square: 2 * 3.0 * PSI * 1.3**2 * square),
    ],
)
def test_latent_consistency(role, slope):
    """G(z') - G(z) is ``factor * scale * n``, and the difference of logits is psi times that."""
    trick = LatentConsistency(discriminator=3.0, generator=0.6, scale=0.2)
    stream = Turn(start(trick), role, BATCH).random(trick)
    square = (0.2 * torch.randn(4, 1, generator=stream)).square().mean().item()
    np.testing.assert_allclose(added(role, trick), slope(square))


def test_latent_consistency_trains_only_the_player_whose_turn_it_is():
    state = start(LatentConsistency())
    factor = state.generator.factor.item()
    update(state, "discriminator", BATCH)
    assert state.generator.factor.item() == factor
    assert state.generator.factor.grad is None


def test_fakes_of_other_latents_are_not_compared():
    with pytest.raises(ConfigError, match="replay replaces some of the fakes"):
        start(LatentConsistency(), Replay())
    assert start(LatentConsistency(discriminator=0.0), Replay()).discriminator


@pytest.mark.parametrize(("factor", "bounded"), [(1.3, False), (100.0, True)])
def test_latent_consistency_rewards_no_difference_beyond_its_bound(factor, bounded):
    """Without a bound, a generator of points would leave them for ever."""
    slope = added("generator", LatentConsistency(scale=0.2), factor)
    assert (slope == 0) == bounded


@pytest.mark.parametrize("trick", [JacobianClamping(), LatentConsistency()])
def test_latents_beside_the_prior_leave_the_running_statistics(trick):
    """Samples are drawn with the statistics of the prior's latents alone."""
    statistics = []
    for tricks in ([], [trick]):
        state = start(*tricks)
        state.generator.norm = nn.BatchNorm1d(1)
        state.generator.register_forward_hook(lambda module, _, images: module.norm(images))
        for role in ("discriminator", "generator"):
            turn = Turn(state, role, BATCH)
            assert turn.fake.images.shape == (4, 1)
            state.tricks.terms(turn)
        statistics.append(state.generator.norm.running_var)
    assert torch.equal(*statistics)
