# SPDX-License-Identifier: MIT
"""EBGAN: the losses on energies, where the margin ends them, and the pulling-away term."""

import pytest
import torch
from small_states import state_of

from ganbench.gan import Batch, DataSpec
from ganbench.step import gradients
from ganbench.training.build import create
from ganbench.turn import Turn

DATA = DataSpec("images", "1", (1, 8, 8))
BATCH = Batch(torch.rand(4, 1, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1)


def ebgan(margin):
    gan = create("ebgan", DATA, {"backbone": "dcgan:width=4", "margin": margin, "pull": 0.5})
    return state_of(gan, DATA, recipe=gan.recipe.replace(batch_size=4))


def energies(scored, state):
    decoded = state.discriminator.decoder(scored.extras)
    return (scored.images - decoded).square().flatten(1).mean(1).sqrt()


def test_the_losses_are_the_papers():
    state = ebgan(margin=100.0)
    turn = gradients(state, "discriminator", BATCH)
    real, fake = energies(turn.real, state), energies(turn.fake, state)
    expected = real.mean() + 100.0 - fake.mean()
    torch.testing.assert_close(turn.terms, {"adversarial": expected})
    turn = gradients(state, "generator", BATCH)
    torch.testing.assert_close(turn.terms["adversarial"], energies(turn.fake, state).mean())


def test_beyond_the_margin_samples_do_not_move_the_discriminator():
    loss = ebgan(margin=3.0).loss
    fake = torch.tensor([-1.0, -2.5, -3.5], requires_grad=True)  # energies 1, 2.5 and 3.5
    loss.discriminator(torch.zeros(3), fake).backward()
    torch.testing.assert_close(fake.grad, torch.tensor([1 / 3, 1 / 3, 0.0]))


def test_the_pulling_away_term_is_the_mean_squared_cosine_of_two_codes():
    turn = gradients(ebgan(margin=3.0), "generator", BATCH)
    codes = turn.fake.extras
    cosines = [
        (one @ other) / (one.norm() * other.norm())
        for i, one in enumerate(codes)
        for j, other in enumerate(codes)
        if i != j
    ]
    expected = 0.5 * torch.stack(cosines).square().mean()
    torch.testing.assert_close(turn.terms["variant/pull"], expected)


def test_the_generator_learns_from_the_pulling_away_term():
    state = ebgan(margin=3.0)
    term = state.tricks.terms(Turn(state, "generator", BATCH))["variant/pull"]
    reached = torch.autograd.grad(term, state.parameters("generator"))
    assert all(gradient.any() for gradient in reached)


def test_the_margin_is_the_papers_for_mnist():
    gan = create("ebgan", DataSpec("images", "1", (1, 28, 28)))
    none = torch.zeros(1)
    at_margin = torch.full((1,), -10 / 784**0.5)  # a norm of 10 over 784 values
    assert gan.loss.discriminator(none, none) == pytest.approx(10 / 28)
    assert gan.loss.discriminator(none, at_margin) == pytest.approx(0, abs=1e-6)
    assert gan.loss.discriminator(none, at_margin / 2) == pytest.approx(5 / 28)


def test_an_autoencoder_of_packs_rebuilds_packs():
    gan = create("ebgan", DATA, {"backbone": "dcgan:width=4"})
    packs = torch.rand(4, 2, 8, 8)
    assert gan.discriminator((2, 8, 8)).decoder(torch.zeros(4, 64)).shape == packs.shape
