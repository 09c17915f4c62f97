# SPDX-License-Identifier: MIT
"""InfoGAN: the information term in closed form, and what it moves in whose turn."""

import math
from dataclasses import replace

import pytest
import torch
from small_states import state_of

from ganbench.errors import ConfigError
from ganbench.gan import Batch, DataSpec
from ganbench.step import gradients, update
from ganbench.training.build import create
from ganbench.turn import Turn

DATA = DataSpec("points", "1", (2,))
BATCH = Batch(torch.randn(8, 2, generator=torch.Generator().manual_seed(0)))


def infogan(info=1.0, **changes):
    gan = create("infogan", DATA, {"categories": 3, "continuous": 2, "info": info})
    recipe = gan.recipe.model_copy(update={"batch_size": 8, "latent_dim": 9, **changes})
    return state_of(gan, DATA, recipe=recipe)


def test_latents_are_noise_a_category_and_codes_in_a_box():
    latents = infogan().prior(4000, torch.Generator().manual_seed(1))
    noise, category, codes = latents.split([4, 3, 2], 1)
    assert abs(noise.std() - 1) < 0.05
    assert torch.equal(category.sum(1), torch.ones(4000))
    assert torch.equal(category.amax(1), torch.ones(4000))
    torch.testing.assert_close(category.mean(0), torch.full((3,), 1 / 3), atol=0.03, rtol=0)
    assert codes.abs().max() <= 1
    assert abs(codes.std() - 3**-0.5) < 0.03


@pytest.mark.parametrize("role", ["discriminator", "generator"])
def test_the_term_is_its_closed_form(role):
    state = infogan(info=0.5)
    turn = gradients(state, role, BATCH)
    log_odds, means = turn.fake.extras.split([3, 2], 1)
    category = turn.fake.batch.latents[:, 4:7].argmax(1)
    codes = turn.fake.batch.latents[:, 7:]
    chosen = log_odds.log_softmax(1)[torch.arange(8), category]
    densities = torch.distributions.Normal(means, 1.0).log_prob(codes).sum(1)
    entropy = math.log(3) + 2 * math.log(2)  # of a uniform category, and of a box of area four
    expected = -0.5 * ((chosen + densities).mean() + entropy)
    torch.testing.assert_close(turn.terms["variant/information"], expected)


def test_codes_read_without_doubt_give_all_the_information_of_the_category():
    hooks = infogan().tricks.variant
    category = torch.eye(3)
    codes = torch.zeros(3, 2)
    read = torch.cat([1000 * category, codes], 1)
    gaussian = math.log(2) - 0.5 * math.log(2 * math.pi)
    bound = hooks.bound(torch.cat([category, codes], 1), read)
    torch.testing.assert_close(bound, torch.tensor(math.log(3) + 2 * gaussian))


def test_q_moves_in_the_discriminators_turn_and_g_in_its_own():
    """Q is the head and the layers it shares: the term's gradient reaches all of them, and G."""
    state = infogan()
    head = state.discriminator.network.layers[-1].weight
    before = [weight.detach().clone() for weight in state.discriminator.parameters()]
    update(state, "generator", BATCH)
    for old, weight in zip(before, state.discriminator.parameters(), strict=True):
        assert torch.equal(old, weight)
    update(state, "discriminator", BATCH)
    assert not torch.equal(before[-2][1:], head[1:])

    for role in state.updates:
        turn = Turn(state, role, BATCH)
        term = state.tricks.terms(turn)["variant/information"]
        reached = torch.autograd.grad(term, state.parameters(role))
        if role == "discriminator":
            *shared, last_weight, _ = reached
            assert not last_weight[0].any(), "the logit has no part in the information"
            assert last_weight[1:].abs().sum(1).all()
            assert all(gradient.any() for gradient in shared)
        else:
            assert all(gradient.any() for gradient in reached)


def test_the_codes_travel_with_examples_that_are_exchanged():
    state = infogan()
    turn = Turn(state, "discriminator", BATCH)
    order = torch.arange(7, -1, -1)
    exchanged = Turn(state, "discriminator", BATCH, fakes=turn.fake.batch.take(order))
    first, second = (state.tricks.terms(each)["variant/information"] for each in (turn, exchanged))
    torch.testing.assert_close(first, second)
    broken = replace(turn.fake.batch.take(order), latents=turn.fake.batch.latents)
    third = state.tricks.terms(Turn(state, "discriminator", BATCH, fakes=broken))
    assert abs(third["variant/information"] - first) > 1e-4


def test_latents_without_room_for_noise_are_refused():
    with pytest.raises(ConfigError, match="codes take 5 values of a latent"):
        infogan(latent_dim=5)
