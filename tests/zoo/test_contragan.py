# SPDX-License-Identifier: MIT
"""ContraGAN: the 2C loss by its formula, and whose images it places."""

import math

import pytest
import torch
from small_states import state_of

from ganbench.errors import ConfigError
from ganbench.gan import Batch, DataSpec
from ganbench.step import gradients
from ganbench.training.build import create
from ganbench.turn import Turn

DATA = DataSpec("points", "1", (2,), classes=4)
LABELS = torch.tensor([0, 2, 1, 1, 0, 2, 3, 1])  # class 3 has nobody of its kind
BATCH = Batch(torch.randn(8, 2, generator=torch.Generator().manual_seed(0)), LABELS)


def contragan():
    settings = {"backbone": "auto:width=8", "weight": 0.5, "temperature": 0.7}
    gan = create("contragan", DATA, settings)
    return state_of(gan, DATA, gan.tricks, recipe=gan.recipe.replace(batch_size=8))


def contrast(extras):
    """Return equation 8, summed in the order in which the paper writes it."""
    places, classes = (each.tolist() for each in extras)

    def kernel(left, right):
        return math.exp(sum(a * b for a, b in zip(left, right, strict=True)) / 0.7)

    costs = []
    for i, place in enumerate(places):
        own = kernel(place, classes[i])
        others = [(k, kernel(place, other)) for k, other in enumerate(places) if k != i]
        alike = sum(value for k, value in others if LABELS[k] == LABELS[i])
        costs.append(-math.log((own + alike) / (own + sum(value for _, value in others))))
    return sum(costs) / len(costs)


@pytest.mark.parametrize("role", ["discriminator", "generator"])
def test_the_term_is_equation_8_of_the_players_own_images(role):
    turn = gradients(contragan(), role, BATCH)
    extras = (turn.real if role == "discriminator" else turn.fake).extras
    found = turn.terms["variant/contrast"].item()
    assert found == pytest.approx(0.5 * contrast(extras), rel=1e-5)


def test_images_are_drawn_to_their_class_and_to_each_other():
    state = contragan()
    for role in state.updates:
        term = state.tricks.terms(Turn(state, role, BATCH))["variant/contrast"]
        reached = torch.autograd.grad(term, state.parameters(role), allow_unused=True)
        without = sum(gradient is None for gradient in reached)
        # The discriminator's logit has a weight and a bias of its own.
        assert without == (2 if role == "discriminator" else 0)


def test_processes_contrast_their_images_with_those_of_all(monkeypatch):
    """Two processes with half a batch each have the loss of the whole batch."""
    state = contragan()
    state.discriminator.eval()
    whole = Turn(state, "discriminator", BATCH)
    expected = state.tricks.variant.contrast(whole.real, whole)
    first, second = (Batch(BATCH.images[rows], LABELS[rows]) for rows in (slice(4), slice(4, 8)))
    other = Turn(state, "discriminator", second).real
    gathered = iter([*other.extras, second.labels])

    class Two(type(state.group)):
        def gather(self, values):
            return torch.stack([values, next(gathered)])

    monkeypatch.setattr(state, "group", Two())
    half = Turn(state, "discriminator", first)
    torch.testing.assert_close(state.tricks.variant.contrast(half.real, half), expected)


def test_data_without_labels_are_refused():
    with pytest.raises(ConfigError, match="contragan learns from labels, and plain has none"):
        create("contragan", DataSpec("plain", "1", (2,)))
