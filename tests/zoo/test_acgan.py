# SPDX-License-Identifier: MIT
"""ACGAN: the class term in both turns, and labels that the discriminator does not see."""

import pytest
import torch
from small_states import state_of

from ganbench.errors import ConfigError
from ganbench.gan import Batch, DataSpec
from ganbench.step import gradients
from ganbench.training.build import create
from ganbench.turn import Turn

DATA = DataSpec("points", "1", (2,), classes=3)
LABELS = torch.tensor([0, 2, 1, 1, 0, 2])
BATCH = Batch(torch.randn(6, 2, generator=torch.Generator().manual_seed(0)), LABELS)


def acgan():
    gan = create("acgan", DATA, {"classification": 0.5})
    return state_of(gan, DATA, recipe=gan.recipe.model_copy(update={"batch_size": 6}))


def cross_entropy(scored, labels):
    odds = scored.extras.exp()
    return -(odds[torch.arange(6), labels] / odds.sum(1)).log().mean()


def test_both_players_name_the_classes():
    state = acgan()
    turn = gradients(state, "discriminator", BATCH)
    assert turn.fake.extras.shape == (6, 3)
    expected = 0.5 * (cross_entropy(turn.real, LABELS) + cross_entropy(turn.fake, LABELS))
    torch.testing.assert_close(turn.terms["variant/class"], expected)
    turn = gradients(state, "generator", BATCH)
    torch.testing.assert_close(turn.terms["variant/class"], 0.5 * cross_entropy(turn.fake, LABELS))


def test_the_generator_is_told_the_label_and_the_discriminator_is_not():
    state = acgan()
    turn = Turn(state, "discriminator", BATCH)
    assert turn.real.seen.condition is None
    assert turn.fake.seen.condition is None
    latents = torch.zeros(3, 2)
    images, _ = state.generate(latents, torch.arange(3))
    assert len(images.unique(dim=0)) == 3


def test_labels_travel_with_examples_that_are_exchanged():
    state = acgan()
    turn = Turn(state, "discriminator", BATCH)
    order = torch.tensor([5, 4, 3, 2, 1, 0])
    exchanged = Turn(state, "discriminator", BATCH, fakes=turn.fake.batch.take(order))
    torch.testing.assert_close(
        state.tricks.terms(exchanged)["variant/class"], state.tricks.terms(turn)["variant/class"]
    )


@pytest.mark.parametrize("model", ["acgan", "cgan-projection"])
def test_data_without_labels_are_refused(model):
    with pytest.raises(ConfigError, match=f"{model} learns from labels, and plain has none"):
        create(model, DataSpec("plain", "1", (2,)))
