# SPDX-License-Identifier: MIT
"""Fisher GAN: the augmented Lagrangian of its constraint, and how the multiplier moves."""

import pytest
import torch
from small_models import small
from small_states import state_of

from ganbench.gan import Batch, DataSpec
from ganbench.step import gradients, update

DATA = DataSpec("points", "1", (2,))
BATCH = Batch(torch.randn(6, 2, generator=torch.Generator().manual_seed(0)))


def fisher_gan(penalty):
    gan = small("fisher-gan", DATA, {"penalty": penalty})
    return state_of(gan, DATA, recipe=gan.recipe.model_copy(update={"batch_size": 6}))


def test_the_critic_minimizes_the_augmented_lagrangian():
    state = fisher_gan(0.5)
    state.memory["variant"]["multiplier"].fill_(0.3)
    turn = gradients(state, "discriminator", BATCH)
    real, fake = turn.real.logits, turn.fake.logits
    excess = (real**2).mean() / 2 + (fake**2).mean() / 2 - 1
    expected = {
        "adversarial": fake.mean() - real.mean(),
        "variant/constraint": 0.3 * excess + 0.25 * excess**2,
    }
    torch.testing.assert_close(turn.terms, expected)
    turn = gradients(state, "generator", BATCH)
    torch.testing.assert_close(turn.terms, {"adversarial": -turn.fake.logits.mean()})


def test_the_multiplier_moves_by_the_excess_of_the_update():
    state = fisher_gan(0.5)
    multiplier = 0.0
    for _ in range(3):
        turn = gradients(state, "discriminator", BATCH)
        real, fake = turn.real.logits, turn.fake.logits
        multiplier += 0.5 * ((real**2).mean() / 2 + (fake**2).mean() / 2 - 1).item()
        state.descend(turn)
        assert state.memory["variant"]["multiplier"].item() == pytest.approx(multiplier, rel=1e-5)
    update(state, "generator", BATCH)
    assert state.memory["variant"]["multiplier"].item() == pytest.approx(multiplier, rel=1e-5)
