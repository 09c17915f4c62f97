# SPDX-License-Identifier: MIT
"""StyleGAN2 in a GAN: path lengths in closed form, from one pass, when they are due."""

import math
from dataclasses import replace

import pytest
import torch
from small_states import state_of
from torch import nn

from ganbench.config import parse_trick
from ganbench.errors import ConfigError
from ganbench.gan import Batch, DataSpec
from ganbench.step import alternate, gradients, update
from ganbench.training.build import create
from ganbench.trick_config import make_trick
from ganbench.turn import Turn

DATA = DataSpec("images", "1", (1, 8, 8))
BATCH = Batch(torch.rand(4, 1, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1)
WEIGHT = 3.0


class Linear(nn.Module):
    """Images that are linear in three equal styles, one for each of three layers."""

    def __init__(self, latent_dim):
        super().__init__()
        self.layers = nn.Parameter(torch.randn(3, latent_dim, 64))
        self.passes = 0

    def forward(self, latents):
        self.passes += 1
        styles = latents[:, None].repeat(1, 3, 1).requires_grad_()
        return torch.einsum("bls,lsp->bp", styles, self.layers).view(-1, 1, 8, 8), styles


def stylegan2(*tricks, generator=None):
    gan = create("stylegan2", DATA, {"path_weight": WEIGHT})
    if generator:
        gan = replace(gan, generator=generator, tricks=())
    recipe = gan.recipe.model_copy(update={"batch_size": 4, "latent_dim": 5})
    tricks = [*gan.tricks, *(make_trick(parse_trick(trick)) for trick in tricks)]
    return state_of(gan, DATA, tricks, recipe=recipe)


def lengths_of(state):
    """Return |J^T y| of a linear generator for the y that its next update draws."""
    stream = torch.Generator()
    stream.set_state(state.streams["trick/variant"].get_state())
    noise = torch.randn(4, 1, 8, 8, generator=stream).flatten(1) / math.sqrt(64)
    per_layer = torch.einsum("bp,lsp->bls", noise, state.generator.layers)
    return per_layer.square().sum(2).mean(1).sqrt()


def test_path_lengths_of_a_linear_generator_and_their_running_mean():
    state = stylegan2(generator=Linear)
    mean = torch.zeros(())
    for count in range(9):
        lengths = lengths_of(state)
        turn = gradients(state, "generator", BATCH)
        if count % 4:
            assert "variant/path" not in turn.terms
        else:
            mean = mean + 0.01 * (lengths.mean() - mean)
            expected = 4 * WEIGHT * (lengths - mean).square().mean()
            torch.testing.assert_close(turn.terms["variant/path"], expected)
        state.descend(turn)
        torch.testing.assert_close(state.memory["variant"]["mean"], mean.detach())
        assert state.generator.passes == count + 1, "the pass is that of the update itself"
    update(state, "discriminator", BATCH)
    torch.testing.assert_close(state.memory["variant"]["mean"], mean.detach())


def test_the_gradient_is_that_of_the_closed_form():
    state = stylegan2(generator=Linear)
    lengths = lengths_of(state)
    mean = 0.01 * lengths.mean().detach()
    (expected,) = torch.autograd.grad(
        4 * WEIGHT * (lengths - mean).square().mean(), state.generator.layers
    )
    term = state.tricks.terms(Turn(state, "generator", BATCH))["variant/path"]
    (gradient,) = torch.autograd.grad(term, state.generator.layers)
    torch.testing.assert_close(gradient, expected)


def test_a_term_that_is_evaluated_twice_moves_the_mean_once():
    state = stylegan2("extragradient", generator=Linear)
    state.tricks.step_rule(alternate)(state, lambda: BATCH)
    moved = state.memory["variant"]["mean"]
    assert moved > 0
    alone = stylegan2(generator=Linear)
    lengths = lengths_of(alone)
    assert moved < 0.015 * lengths.mean(), "two moves would be about two hundredths"


def test_r1_is_lazy_and_adam_is_adapted_to_it():
    state = stylegan2()
    for count in range(3):
        turn = gradients(state, "discriminator", BATCH)
        assert ("r1/penalty" in turn.terms) == (count % 16 == 0)
        state.descend(turn)
    spec = create("stylegan2", DATA).recipe.discriminator_optimizer
    assert spec.learning_rate == pytest.approx(0.002 * 16 / 17)
    assert spec.betas == (0, pytest.approx(0.99 ** (16 / 17)))


def test_adam_is_plain_where_no_path_length_is_due():
    generators = [
        create("stylegan2", DATA, {"path_weight": weight}).recipe.generator_optimizer
        for weight in (2.0, 0.0)
    ]
    assert [spec.learning_rate for spec in generators] == pytest.approx([0.002 * 4 / 5, 0.002])
    assert [spec.betas[1] for spec in generators] == pytest.approx([0.99 ** (4 / 5), 0.99])


def test_the_groups_that_must_be_whole_are_those_of_the_discriminator(monkeypatch):
    monkeypatch.setattr("ganbench.zoo.stylegan2.GROUP", 2)
    state = stylegan2()
    assert state.discriminator.deviation.group == 2
    state.tricks.variant.check_parts(6, 2)


def test_parts_of_a_batch_must_hold_whole_groups():
    hooks = stylegan2().tricks.variant
    hooks.check_parts(8, 2)
    with pytest.raises(ConfigError, match="each of 2 processes has 6 of a batch") as raised:
        hooks.check_parts(6, 2)
    assert raised.value.hint == "For example: --batch-size 16"
