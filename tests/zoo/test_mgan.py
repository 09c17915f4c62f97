# SPDX-License-Identifier: MIT
"""MGAN: the choice of a generator, the classifier's term, and who learns from it."""

import pytest
import torch
from small_states import state_of

from ganbench.errors import ConfigError
from ganbench.gan import Batch, DataSpec
from ganbench.step import gradients
from ganbench.training.build import create
from ganbench.turn import Turn

DATA = DataSpec("points", "1", (2,))
BATCH = Batch(torch.randn(8, 2, generator=torch.Generator().manual_seed(0)))


def mgan(**changes):
    settings = {"backbone": "auto:width=8", "generators": 3, "diversity": 0.5}
    gan = create("mgan", DATA, settings)
    return state_of(gan, DATA, recipe=gan.recipe.replace(batch_size=8, **changes))


def test_latents_are_noise_and_a_uniform_choice():
    latents = mgan().prior(4000, torch.Generator().manual_seed(1))
    noise, chosen = latents.split([2, 3], 1)
    assert abs(noise.std() - 1) < 0.05
    assert torch.equal(chosen.sum(1), torch.ones(4000))
    torch.testing.assert_close(chosen.mean(0), torch.full((3,), 1 / 3), atol=0.03, rtol=0)


@pytest.mark.parametrize(("role", "weight"), [("discriminator", 1.0), ("generator", 0.5)])
def test_both_players_are_rewarded_if_the_generator_is_named(role, weight):
    """The diversity weighs the reward of the generators alone."""
    turn = gradients(mgan(), role, BATCH)
    numbers = turn.latents[:, 2:].argmax(1)
    chosen = turn.fake.extras.log_softmax(1)[torch.arange(8), numbers]
    torch.testing.assert_close(turn.terms["variant/generator"], -weight * chosen.mean())


def test_the_classifier_shares_all_layers_of_the_discriminator_but_the_last():
    state = mgan()
    term = state.tricks.terms(Turn(state, "discriminator", BATCH))["variant/generator"]
    *shared, last, _ = torch.autograd.grad(term, state.parameters("discriminator"))
    assert all(gradient.any() for gradient in shared)
    assert not last[0].any(), "the logit has no part in it"
    assert last[1:].abs().sum(1).all()


def test_a_generator_learns_from_its_own_samples():
    state = mgan()
    latents = torch.cat([torch.randn(8, 2), torch.eye(3)[[2] * 8]], 1)
    turn = Turn(state, "generator", BATCH)
    turn.latents = latents
    terms = state.tricks.terms(turn)
    first = next(part for part in state.generator.modules() if isinstance(part, torch.nn.Linear))
    (reached,) = torch.autograd.grad(terms["variant/generator"], first.weight)
    assert [bool(gradient.any()) for gradient in reached.chunk(3, 1)] == [False, False, True]


def test_latents_without_room_for_noise_are_refused():
    with pytest.raises(ConfigError, match="takes 3 values of a latent"):
        mgan(latent_dim=3)
