# SPDX-License-Identifier: MIT
"""SAN: the hinge teaches the features, a difference of means the direction."""

import torch
from small_models import small
from small_states import state_of

from ganbench.gan import Batch, DataSpec
from ganbench.step import gradients

DATA = DataSpec("points", "1", (2,))
BATCH = Batch(torch.randn(6, 2, generator=torch.Generator().manual_seed(0)))


def test_each_part_of_the_discriminator_learns_from_its_own_term():
    gan = small("san", DATA)
    state = state_of(gan, DATA, gan.tricks)
    turn = gradients(state, "discriminator", BATCH)
    real, fake = turn.real.logits, turn.fake.logits
    hinge = (1 - real).relu().mean() + (1 + fake).relu().mean()
    expected = {"adversarial": hinge, "variant/direction": fake.mean() - real.mean()}
    torch.testing.assert_close(turn.terms, expected)

    network = state.discriminator
    norm = network.direction.detach().norm()
    leaky = torch.nn.functional.leaky_relu
    with torch.no_grad():
        means = [
            leaky(network.eval().network(scored.images), 0.2).mean(0)
            for scored in (turn.real, turn.fake)
        ]
    difference, unit = means[1] - means[0], network.direction.detach() / norm
    along = difference - unit * (unit @ difference)  # the part that turns the direction
    torch.testing.assert_close(network.direction.grad, along / norm, rtol=1e-3, atol=1e-5)


def test_the_generator_follows_the_logits():
    gan = small("san", DATA)
    state = state_of(gan, DATA, gan.tricks)
    turn = gradients(state, "generator", BATCH)
    torch.testing.assert_close(turn.terms, {"adversarial": -turn.fake.logits.mean()})
