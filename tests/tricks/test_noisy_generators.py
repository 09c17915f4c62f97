# SPDX-License-Identifier: MIT
"""Tricks that compare images of two latents, where the generator draws random numbers itself."""

import pytest
import torch
from dirac_gan import SGD, linear
from small_states import state_of
from torch import nn

from ganbench import registry
from ganbench.config import Recipe
from ganbench.gan import GAN, Batch, DataSpec
from ganbench.losses import wasserstein
from ganbench.step import alternate
from ganbench.tricks.consensus import Consensus
from ganbench.tricks.jacobian_clamping import JacobianClamping
from ganbench.tricks.latent_consistency import LatentConsistency
from ganbench.turn import Turn

DATA = DataSpec("line", "1", (1,))
BATCH = Batch(torch.full((4, 1), 0.4))


class Noisy(nn.Module):
    """G(z) = factor * z + n, with normal n of each pass; keeps the n of all passes."""

    def __init__(self):
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(1.3))
        self.drawn = []

    def forward(self, latents):
        self.drawn.append(torch.randn_like(latents))
        return self.factor * latents + self.drawn[-1]


def start(*tricks):
    gan = GAN(
        generator=lambda _: Noisy(),
        discriminator=lambda _: linear((0.7,)),
        loss=wasserstein,
        recipe=Recipe(kimg=1, latent_dim=1, generator_optimizer=SGD, discriminator_optimizer=SGD),
    )
    return state_of(gan, DATA, tricks)


@pytest.mark.parametrize("role", ["generator", "discriminator"])
def test_images_differ_by_their_latents_alone(role):
    state = start()
    with state.streams.networks():
        turn = Turn(state, role, BATCH)
        near, _ = turn.make(turn.latents + 0.1, as_fakes=True)
        torch.testing.assert_close(near - turn.fake.images, torch.full((4, 1), 0.13))
        other, _ = turn.make(turn.latents)
    assert not torch.allclose(other, turn.fake.images)


def test_noise_that_is_drawn_again_is_not_taken_from_later_passes():
    noises = []
    for compares in (False, True):
        state = start()
        with state.streams.networks():
            for _ in range(3):
                turn = Turn(state, "generator", BATCH)
                assert turn.fake.images.shape == (4, 1)
                if compares:
                    turn.make(turn.latents, as_fakes=True)
        noises.append(state.generator.drawn[:: 2 if compares else 1])
    for without, with_one in zip(*noises, strict=True):
        assert torch.equal(without, with_one)


def test_a_discriminator_that_moves_at_once_sees_the_noise_of_the_generators_fakes():
    state = start(Consensus(), LatentConsistency())
    with state.streams.networks():
        state.tricks.step_rule(alternate)(state, lambda: BATCH)
    fakes, *near = state.generator.drawn
    assert len(near) >= 2  # one for each player
    assert all(torch.equal(noise, fakes) for noise in near)


@pytest.mark.parametrize("model", ["stylegan2", "stylegan2-ada"])
def test_the_noise_of_a_style_based_generator_is_no_stretch(model):
    """At scale 0 or a step of almost nothing the two images are the same one."""
    data = DataSpec("images", "1", (1, 16, 16))
    clamping = JacobianClamping(lower=0.0, upper=20.0, step=1e-3)
    consistency = LatentConsistency(scale=1e-9)
    state = state_of(registry.models.get(model)(data), data, [clamping, consistency])
    with state.streams.networks():
        turn = Turn(state, "generator", Batch(torch.rand(4, 1, 16, 16)))
        assert clamping.generator_terms(turn)["penalty"] == 0
        assert consistency.generator_terms(turn)["images"] > -1e-9
