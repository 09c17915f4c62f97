# SPDX-License-Identifier: MIT
"""MDGAN: the two games, what each discriminator takes for real, and who learns from which."""

from dataclasses import replace

import pytest
import torch
from small_states import state_of
from torch.nn.functional import softplus

from ganbench import losses
from ganbench.errors import ConfigError
from ganbench.gan import Batch, DataSpec
from ganbench.step import gradients, update
from ganbench.training.build import create

DATA = DataSpec("points", "1", (2,))
BATCH = Batch(torch.randn(8, 2, generator=torch.Generator().manual_seed(0)))


@pytest.fixture
def state():
    gan = create("mdgan", DATA, {"backbone": "auto:width=8", "reconstruction": 0.25, "game": 0.5})
    return state_of(gan, DATA, recipe=gan.recipe.replace(batch_size=8))


def test_one_discriminator_judges_reconstructions_and_the_other_takes_them_for_real(state):
    turn = gradients(state, "discriminator", BATCH)
    manifold = state.partners["manifold"]
    rebuilt = state.generator(state.partners["encoder"](BATCH.images))
    samples = state.generator(turn.latents)
    expected = {
        "adversarial": softplus(-state.discriminate(rebuilt)).mean()
        + softplus(state.discriminate(samples)).mean(),
        "variant/manifold": softplus(-manifold(BATCH.images)).mean()
        + softplus(manifold(rebuilt)).mean(),
    }
    torch.testing.assert_close(turn.terms, expected)


def test_the_generator_plays_both_games_and_rebuilds_the_data(state):
    turn = gradients(state, "generator", BATCH)
    rebuilt = state.generator(state.partners["encoder"](BATCH.images))
    logits = state.partners["manifold"](rebuilt)
    expected = {
        "adversarial": softplus(-state.discriminate(turn.fake.images)).mean(),
        "variant/reconstruction": 0.25 * (BATCH.images - rebuilt).square().sum() / 8,
        "variant/manifold": 0.25 * 0.5 * softplus(-logits).mean(),
    }
    torch.testing.assert_close(turn.terms, expected)


def test_another_loss_is_refused_because_one_game_would_keep_its_own():
    gan = create("mdgan", DATA)
    with pytest.raises(ConfigError, match="and least-squares would be that of the diffusion step"):
        state_of(replace(gan, loss=losses.least_squares), DATA)


@pytest.mark.parametrize(
    ("role", "moved"), [("discriminator", {"manifold"}), ("generator", {"encoder"})]
)
def test_each_partner_moves_with_its_player(state, role, moved):
    before = {
        name: [weight.detach().clone() for weight in partner.parameters()]
        for name, partner in state.partners.items()
    }
    update(state, role, BATCH)
    changed = {
        name
        for name, partner in state.partners.items()
        if any(
            not torch.equal(*pair) for pair in zip(before[name], partner.parameters(), strict=True)
        )
    }
    assert changed == moved
