# SPDX-License-Identifier: MIT
"""Fisher GAN: the augmented Lagrangian of its constraint, and how the multiplier moves."""

from dataclasses import replace

import pytest
import torch
from dirac_gan import SGD, Constant, linear
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


def moment_of_a_linear_critic(real, updates, parameters):
    """Return m of D(x) = psi x, after updates between a point and another at zero."""
    data = DataSpec("line", "1", (1,))
    gan = small("fisher-gan", data, parameters)
    gan = replace(
        gan,
        generator=lambda _: Constant((0.0,)),
        discriminator=lambda _: linear((0.5,)),
        recipe=gan.recipe.replace(batch_size=4, discriminator_optimizer=SGD),
    )
    state = state_of(gan, data)
    for _ in range(updates):
        update(state, "discriminator", Batch(torch.full((4, 1), real)))
    return (state.discriminator.weight.item() * real) ** 2 / 2


@pytest.mark.parametrize("real", [0.5, 1.0])
def test_the_default_penalty_brings_the_moment_to_one_within_a_short_training(real):
    """In d / (6 penalty) updates, for means that are the root of two apart at a moment of one."""
    arrival = round(2**0.5 / 6e-3)
    assert moment_of_a_linear_critic(real, 3 * arrival, {}) == pytest.approx(1, abs=0.1)
    assert moment_of_a_linear_critic(real, 3 * arrival, {"penalty": 1e-6}) > 10
