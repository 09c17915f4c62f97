# SPDX-License-Identifier: MIT
"""Generators as plain functions of tensors: what they return, and the tricks they leave behind."""

import pytest
import torch
from small_states import state_of
from torch import nn

from ganbench import losses
from ganbench.config import Recipe, parse_trick
from ganbench.errors import ConfigError
from ganbench.export.plain_generator import (
    PlainGenerator,
    plain_generator,
    refuse_tricks_that_choose,
    tricks_on_latents,
    tricks_that_choose,
)
from ganbench.gan import GAN, DataSpec
from ganbench.kinds import kind_of
from ganbench.nn import MLP
from ganbench.training.trainer import evaluating
from ganbench.trick_config import make_trick

IMAGES = DataSpec("images", "1", (1, 2, 2))


class Overshooting(nn.Module):
    """Returns three times a linear layer, and further values next to it."""

    def __init__(self, latent_dim):
        super().__init__()
        self.layers = nn.Linear(latent_dim, 4)

    def forward(self, latents):
        return 3 * self.layers(latents).unflatten(1, (1, 2, 2)), {"latents": latents}


def state(data=IMAGES, tricks=(), **recipe):
    generator = Overshooting if data is IMAGES else lambda size: MLP((size,), [4], data.shape)
    gan = GAN(
        generator=generator,
        discriminator=lambda shape: MLP(shape, [4], (1,)),
        loss=losses.non_saturating,
        recipe=Recipe(kimg=1, latent_dim=3, **recipe),
    )
    return state_of(gan, data, [make_trick(parse_trick(trick)) for trick in tricks])


def test_pixels_end_where_a_run_ends_them():
    trained = state()
    with evaluating(trained):
        exported = plain_generator(trained)
        raw, _ = trained.generator(exported.inputs[0])
    assert raw.abs().max() > 1
    assert exported.examples.abs().max() == 1
    kind = kind_of(IMAGES)
    assert torch.equal(kind.to_samples(raw, IMAGES), kind.to_samples(exported.examples, IMAGES))


def test_points_are_left_as_they_are():
    network = PlainGenerator(nn.Identity(), clamped=False)
    values = torch.tensor([[-3.0, 5.0]])
    assert torch.equal(network(values), values)


def test_the_facts_are_what_a_user_needs():
    facts = plain_generator(state(prior="uniform")).facts
    assert (facts.latent_dim, facts.prior, facts.condition) == (3, "uniform", "")
    assert (facts.kind, facts.shape, facts.value_range) == ("image", (1, 2, 2), (-1.0, 1.0))
    points = plain_generator(state(DataSpec("points", "1", (2,)))).facts
    assert (points.kind, points.shape, points.value_range) == ("points", (2,), None)


def test_tricks_are_told_apart_by_what_they_do():
    trained = state(tricks=["ema", "truncation", "drs", "r1"])
    assert tricks_that_choose(trained) == ["drs"]
    assert tricks_on_latents(trained) == ["truncation"]
    with pytest.raises(ConfigError, match="drs judges samples by the discriminator, and x holds"):
        refuse_tricks_that_choose(trained, "x")
    refuse_tricks_that_choose(state(tricks=["ema", "truncation"]), "x")
