# SPDX-License-Identifier: MIT
"""CGAN: both networks are told the class of each example, and sampling by class follows."""

import pytest
import torch
from small_states import state_of
from torch.nn.functional import softplus

from ganbench.errors import ConfigError
from ganbench.gan import Batch, DataSpec
from ganbench.step import gradients
from ganbench.training.build import create

DATA = DataSpec("points", "1", (2,), classes=3)
LABELS = torch.tensor([0, 2, 1, 1, 0, 2])
BATCH = Batch(torch.randn(6, 2, generator=torch.Generator().manual_seed(0)), LABELS)


def cgan():
    gan = create("cgan", DATA, {"backbone": "auto:width=8"})
    return state_of(gan, DATA, recipe=gan.recipe.replace(batch_size=6))


def test_both_players_are_told_the_classes_of_the_batch():
    state = cgan()
    turn = gradients(state, "discriminator", BATCH)
    fakes, _ = state.generate(turn.latents, LABELS)
    real, fake = (state.discriminate(each, LABELS) for each in (BATCH.images, fakes))
    expected = softplus(-real).mean() + softplus(fake).mean()
    torch.testing.assert_close(turn.terms, {"adversarial": expected})
    turn = gradients(state, "generator", BATCH)
    fakes, _ = state.generate(turn.latents, LABELS)
    expected = softplus(-state.discriminate(fakes, LABELS)).mean()
    torch.testing.assert_close(turn.terms, {"adversarial": expected})


def test_each_class_of_a_batch_reaches_its_own_features():
    state = cgan()
    turn = gradients(state, "discriminator", Batch(BATCH.images, torch.zeros_like(LABELS)))
    gradient = state.discriminator.embed.weight.grad
    assert gradient[0].any()
    assert not gradient[1:].any()
    assert turn.fake.batch.labels.unique().tolist() == [0]


def test_one_latent_makes_another_example_of_each_class():
    state = cgan()
    latents = torch.ones(3, state.recipe.latent_dim)
    images, _ = state.generate(latents, torch.arange(3))
    assert len(images.unique(dim=0)) == 3


def test_data_without_labels_are_refused():
    with pytest.raises(ConfigError, match="cgan learns from labels, and plain has none"):
        create("cgan", DataSpec("plain", "1", (2,)))
