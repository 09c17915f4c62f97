# SPDX-License-Identifier: MIT
"""VAE-GAN: the terms by their formulas, and that each network learns from its own."""

from dataclasses import replace

import pytest
import torch
from small_states import state_of
from torch.distributions import Normal, kl_divergence
from torch.nn.functional import softplus

from ganbench import losses
from ganbench.errors import ConfigError
from ganbench.gan import Batch, DataSpec
from ganbench.harness.plan import plan
from ganbench.step import gradients
from ganbench.training.build import create
from ganbench.turn import Turn

DATA = DataSpec("points", "1", (2,))
BATCH = Batch(torch.randn(8, 2, generator=torch.Generator().manual_seed(0)))


@pytest.fixture
def state():
    gan = create("vaegan", DATA, {"backbone": "auto:width=8", "gamma": 0.5})
    return state_of(gan, DATA, recipe=gan.recipe.replace(batch_size=8))


def codes_of(state):
    """Return the codes that the next turn draws, and q, leaving the stream as it was."""
    means, log_variances = state.partners["encoder"](BATCH.images).chunk(2, 1)
    posterior = Normal(means, (0.5 * log_variances).exp())
    stream = state.streams["trick/variant"]
    before = stream.get_state()
    noise = torch.randn(means.shape, generator=stream)
    stream.set_state(before)
    return posterior.mean + posterior.stddev * noise, posterior


def test_the_generators_terms_are_the_papers(state):
    codes, posterior = codes_of(state)
    turn = gradients(state, "generator", BATCH)
    rebuilt = state.generator(codes)
    logits, features = state.discriminate(rebuilt)
    _, true_features = state.discriminate(BATCH.images)
    prior = Normal(torch.zeros_like(codes), torch.ones_like(codes))
    expected = {
        "adversarial": softplus(-turn.fake.logits).mean(),
        "variant/divergence": kl_divergence(posterior, prior).sum() / 8,
        "variant/similarity": 0.5 * (true_features - features).square().sum() / 8,
        "variant/rebuilt": softplus(-logits).mean(),
    }
    torch.testing.assert_close(turn.terms, expected)


def test_the_discriminator_takes_reconstructions_for_fakes(state):
    codes, _ = codes_of(state)
    turn = gradients(state, "discriminator", BATCH)
    logits, _ = state.discriminate(state.generator(codes))
    torch.testing.assert_close(turn.terms["variant/rebuilt"], softplus(logits).mean())


@pytest.mark.parametrize("loss", [losses.hinge, losses.least_squares, losses.minimax])
def test_reconstructions_are_fakes_under_any_loss(loss):
    gan = replace(create("vaegan", DATA, {"backbone": "auto:width=8"}), loss=loss)
    state = state_of(gan, DATA, recipe=gan.recipe.replace(batch_size=8))
    for role, cost in (
        ("discriminator", lambda f: loss.fake_part(f).mean()),
        ("generator", lambda f: loss.generator(f, f)),
    ):
        codes, _ = codes_of(state)
        turn = gradients(state, role, BATCH)
        logits, _ = state.discriminate(state.generator(codes))
        torch.testing.assert_close(turn.terms["variant/rebuilt"], cost(logits))


@pytest.mark.parametrize("loss", [losses.relativistic, losses.relativistic_average])
def test_losses_that_compare_are_refused(loss):
    gan = create("vaegan", DATA)
    with pytest.raises(ConfigError, match=f"the loss {loss.name} has no cost of a fake alone"):
        state_of(replace(gan, loss=loss), DATA)


def test_the_game_does_not_move_the_encoder_and_the_error_moves_both(state):
    terms = state.tricks.terms(Turn(state, "generator", BATCH))
    networks = {"decoder": state.generator, "encoder": state.partners["encoder"]}
    learned = {
        (name, term.rpartition("/")[2])
        for name, network in networks.items()
        for term, value in terms.items()
        if None
        not in torch.autograd.grad(
            value, list(network.parameters()), retain_graph=True, allow_unused=True
        )
    }
    assert learned == {
        ("decoder", "rebuilt"),
        ("decoder", "similarity"),
        ("encoder", "similarity"),
        ("encoder", "divergence"),
    }


def test_gamma_weighs_the_error_in_the_decoder_alone(state):
    codes, _ = codes_of(state)
    turn = Turn(state, "generator", BATCH)
    _, features = state.discriminate(state.generator(codes))
    error = 0.5 * (turn.real.extras.detach() - features).square().sum() / 8
    similarity = state.tricks.terms(turn)["variant/similarity"]
    for network, weight in ((state.generator, 0.5), (state.partners["encoder"], 1.0)):
        weights = list(network.parameters())
        found = torch.autograd.grad(similarity, weights, retain_graph=True)
        plain = torch.autograd.grad(error, weights, retain_graph=True)
        torch.testing.assert_close(list(found), [weight * gradient for gradient in plain])


def test_a_gamma_of_zero_is_refused():
    with pytest.raises(ConfigError, match="gamma weighs the error of reconstructions and is above"):
        create("vaegan", DATA, {"gamma": 0.0})


def test_a_prior_that_the_encoder_is_not_drawn_to_is_refused():
    with pytest.raises(ConfigError, match=r"drawn to N\(0, 1\), and recipe.prior is uniform"):
        plan("vaegan", "ring8", settings={"recipe.prior": "uniform"})
