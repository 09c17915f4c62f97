# SPDX-License-Identifier: MIT
"""Path lengths of a linear generator in closed form, when they are due, and those of styles."""

import pytest
import torch
from dirac_gan import batch_at, dirac
from small_models import small
from small_states import state_of
from torch import nn

from ganbench.config import Recipe, sgd
from ganbench.errors import ConfigError
from ganbench.gan import GAN, Batch, DataSpec
from ganbench.losses import wasserstein
from ganbench.nn import ConvDiscriminator, ConvGenerator
from ganbench.step import gradients
from ganbench.tricks.consensus import Consensus
from ganbench.tricks.path_length import PathLength, path_lengths
from ganbench.turn import Turn

SQUARES = DataSpec("squares", "1", (1, 4, 4))
BATCH = Batch(torch.zeros(6, 1, 4, 4))
RECIPE = Recipe(
    kimg=1,
    batch_size=6,
    latent_dim=3,
    generator_optimizer=sgd(0.1),
    discriminator_optimizer=sgd(0.1),
)


def linear(*tricks):
    """Return the state of G(z) = A z, as an image of 4 x 4 pixels."""
    gan = GAN(
        generator=lambda size: nn.Sequential(
            nn.Linear(size, 16, bias=False), nn.Unflatten(1, (1, 4, 4))
        ),
        discriminator=lambda _: nn.Sequential(nn.Flatten(), nn.Linear(16, 1)),
        loss=wasserstein,
        recipe=RECIPE,
    )
    return state_of(gan, SQUARES, tricks)


def lengths_of(state):
    """Return |A^T y| for the y that the next update draws, over the root of the pixels."""
    stream = torch.Generator()
    stream.set_state(state.streams["trick/path-length"].get_state())
    noise = torch.randn(6, 1, 4, 4, generator=stream).flatten(1) / 4
    return (noise @ state.generator[0].weight).norm(dim=1)


def test_the_term_in_closed_form_and_the_running_mean():
    trick = PathLength(weight=3.0, every=2, mean_step=0.1)
    state, mean = linear(trick), torch.zeros(())
    for count in range(5):
        lengths = lengths_of(state)
        turn = gradients(state, "generator", BATCH)
        if count % 2:
            assert "path-length/path" not in turn.terms
        else:
            mean = mean + 0.1 * (lengths.mean().detach() - mean)
            expected = 6.0 * (lengths - mean).square().mean()
            torch.testing.assert_close(turn.terms["path-length/path"], expected)
        state.descend(turn)
        torch.testing.assert_close(state.memory["path-length"]["mean"], mean)


def test_the_gradient_is_that_of_the_closed_form():
    trick = PathLength(weight=3.0, mean_step=0.1)
    state = linear(trick)
    lengths, weight = lengths_of(state), state.generator[0].weight
    expected = 12.0 * (lengths - 0.1 * lengths.mean().detach()).square().mean()
    (term,) = trick.generator_terms(Turn(state, "generator", BATCH)).values()
    slopes = (torch.autograd.grad(value, weight)[0] for value in (term, expected))
    torch.testing.assert_close(*slopes)


def test_the_lengths_of_a_generator_with_styles_are_those_in_its_styles():
    data = DataSpec("images", "1", (1, 8, 8))
    gan, trick = small("stylegan2-ada", data), PathLength(mean_step=1.0)
    recipe = gan.recipe.model_copy(update={"batch_size": 4})
    state = state_of(gan, data, [trick], recipe=recipe)
    turn = Turn(state, "generator", Batch(torch.zeros(4, 1, 8, 8)))
    latents = turn.latents
    stream = torch.Generator()
    stream.set_state(turn.random(trick).get_state())
    torch.manual_seed(1)
    (term,) = trick.generator_terms(turn).values()
    torch.manual_seed(1)  # per-layer noise and mixed styles
    images, styles = state.generator(latents)
    assert styles.ndim == 3
    lengths = path_lengths(images, styles, stream)
    expected = 2.0 * 4 * (lengths - lengths.mean().detach()).square().mean()
    torch.testing.assert_close(term, expected)


def test_consensus_cannot_differentiate_it_through_batch_normalization():
    data = DataSpec("images", "1", (1, 16, 16))
    gan = GAN(
        generator=lambda size: ConvGenerator(size, data.shape, width=2),
        discriminator=lambda shape: ConvDiscriminator(shape, width=2, norm="none"),
        loss=wasserstein,
        recipe=RECIPE,
    )
    with pytest.raises(ConfigError, match="generator with batch normalization"):
        state_of(gan, data, [PathLength(), Consensus()])
    gradients(state_of(gan, data, [PathLength()]), "generator", Batch(torch.zeros(6, 1, 16, 16)))


def test_a_generator_that_ignores_its_latents_is_refused():
    state = dirac(PathLength())
    with pytest.raises(ConfigError, match="and this model's do not"):
        gradients(state, "generator", batch_at(0.4))
