# SPDX-License-Identifier: MIT
"""VEEGAN: the pairs that are told apart, both parts of the objective, and who learns from which."""

import math

import pytest
import torch
from small_states import state_of
from torch.nn.functional import softplus

from ganbench import losses
from ganbench.errors import ConfigError
from ganbench.gan import Batch, DataSpec
from ganbench.step import generator_objective, gradients
from ganbench.training.build import create
from ganbench.turn import Turn

DATA = DataSpec("points", "1", (2,))
BATCH = Batch(torch.randn(8, 2, generator=torch.Generator().manual_seed(0)))


def veegan(**changes):
    gan = create("veegan", DATA, {"backbone": "auto:width=8", "latent_dim": 3, "weight": 0.5})
    return state_of(gan, DATA, recipe=gan.recipe.replace(batch_size=8, **changes))


def reconstructed(state, examples):
    """Return the means and deviations of the latents of examples."""
    means, logarithms = state.partners["reconstructor"](examples).split(3, 1)
    return means, 0.05 + logarithms.exp()


def test_pairs_are_samples_with_latents_and_data_with_latents_drawn_for_them():
    state = veegan()
    stream = state.streams["trick/variant"]
    before = stream.get_state()
    noise = torch.randn(8, 3, generator=stream)
    stream.set_state(before)
    turn = gradients(state, "discriminator", BATCH)
    means, deviations = reconstructed(state, BATCH.images)
    real = state.discriminate(BATCH.images, means + deviations * noise)
    fakes, _ = state.generate(turn.latents)
    fake = state.discriminate(fakes, turn.latents)
    expected = softplus(-real).mean() + softplus(fake).mean()
    torch.testing.assert_close(turn.terms, {"adversarial": expected})


def test_the_generator_minimizes_the_log_ratio_and_the_distance_of_latents():
    state = veegan()
    turn = gradients(state, "generator", BATCH)
    fakes, _ = state.generate(turn.latents)
    means, deviations = reconstructed(state, fakes)
    errors = (turn.latents - means) / deviations
    densities = -0.5 * errors.square() - deviations.log() - 0.5 * math.log(2 * math.pi)
    expected = {
        "adversarial": -state.discriminate(fakes, turn.latents).mean(),
        "variant/reconstruction": -0.5 * densities.mean(),
    }
    torch.testing.assert_close(turn.terms, expected)


def test_the_reconstructor_learns_from_the_distance_alone_and_the_generator_from_both():
    state = veegan()
    reconstructor = list(state.partners["reconstructor"].parameters())
    assert {id(weight) for weight in reconstructor} < set(map(id, state.parameters("generator")))
    terms = generator_objective(Turn(state, "generator", BATCH))
    for name, learns in (("adversarial", False), ("variant/reconstruction", True)):
        reached = torch.autograd.grad(
            terms[name], reconstructor, retain_graph=True, allow_unused=True
        )
        assert all((gradient is not None) == learns for gradient in reached)
        reached = torch.autograd.grad(
            terms[name], list(state.generator.parameters()), retain_graph=True
        )
        assert all(gradient.any() for gradient in reached)


def test_no_game_moves_the_reconstructor_not_even_one_with_the_logits_of_data():
    state = veegan()
    state.loss = losses.relativistic
    terms = generator_objective(Turn(state, "generator", BATCH))
    reconstructor = list(state.partners["reconstructor"].parameters())
    reached = torch.autograd.grad(terms["adversarial"], reconstructor, allow_unused=True)
    assert not any(gradient is not None for gradient in reached)


def test_latents_of_another_size_are_refused():
    with pytest.raises(ConfigError, match="takes latents of 3 values, and recipe"):
        veegan(latent_dim=4)
