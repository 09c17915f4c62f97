# SPDX-License-Identifier: MIT
"""Discriminators at several scales: what they are shown, and the update of linear ones."""

import pytest
import torch
from small_states import state_of
from torch import nn
from torch.nn.functional import avg_pool2d

from ganbench.config import Recipe, sgd
from ganbench.errors import ConfigError
from ganbench.gan import GAN, Batch, DataSpec
from ganbench.losses import wasserstein
from ganbench.step import update
from ganbench.tricks.multi_scale import MultiScale
from ganbench.turn import Turn

IMAGES = DataSpec("images", "1", (1, 16, 20))
RATE = 0.1


class Flat(nn.Module):
    """A generator of images of one learned gray."""

    def __init__(self):
        super().__init__()
        self.gray = nn.Parameter(torch.tensor(0.3))

    def forward(self, latents):
        return self.gray.expand(len(latents), *IMAGES.shape)


def state_with(*tricks, data=IMAGES):
    gan = GAN(
        generator=lambda _: Flat(),
        discriminator=lambda shape: nn.Sequential(nn.Flatten(), nn.Linear(shape[1] * shape[2], 1)),
        loss=wasserstein,
        recipe=Recipe(
            kimg=1,
            batch_size=4,
            latent_dim=1,
            generator_optimizer=sgd(RATE),
            discriminator_optimizer=sgd(RATE),
        ),
    )
    return state_of(gan, data, tricks)


def test_the_update_of_linear_discriminators():
    """Each moves by half of the difference of the means of what it sees."""
    state = state_with(MultiScale(scales=2))
    images = torch.rand(4, 1, 16, 20)
    layers = [network[1] for network in state.discriminator.discriminators]
    before = [layer.weight.detach().clone() for layer in layers]
    update(state, "discriminator", Batch(images))
    for layer, start, seen in zip(layers, before, (images, avg_pool2d(images, 2)), strict=True):
        slope = 0.3 - seen.flatten(1).mean(0)
        torch.testing.assert_close(layer.weight[0], start[0] - RATE * slope / 2)
    sums = [layer.weight.sum().item() for layer in layers]
    update(state, "generator", Batch(images))
    assert state.generator.gray.item() == pytest.approx(0.3 + RATE * sum(sums) / 2, rel=1e-5)


def test_logits_stand_side_by_side():
    state = state_with(MultiScale(scales=2))
    logits = Turn(state, "discriminator", Batch(torch.rand(4, 1, 16, 20))).real.logits
    assert logits.shape == (4, 2)


def test_what_is_no_image_or_too_small_is_refused():
    with pytest.raises(ConfigError, match="images of 4 x 5 pixels"):
        state_with(MultiScale(scales=3))
    with pytest.raises(ConfigError, match="holds points"):
        MultiScale().check(None, None, DataSpec("points", "1", (2,)))
