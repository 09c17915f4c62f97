# SPDX-License-Identifier: MIT
"""The contrast between classes, against equation 8 of its paper written out."""

import math

import pytest
import torch
from small_models import small
from small_states import state_of

from ganbench.errors import ConfigError
from ganbench.gan import Batch, DataSpec
from ganbench.step import gradients
from ganbench.tricks.contrastive import Contrastive, class_contrast
from ganbench.turn import Turn

POINTS = DataSpec("points", "1", (2,), classes=3)
LABELS = torch.tensor([0, 1, 1, 2, 0, 2])


def contrast(places, classes, labels, temperature):
    """Return the mean of -log of the quotients, example by example."""
    total = 0.0
    for i, (place, label) in enumerate(zip(places, labels, strict=True)):
        own = math.exp(place @ classes[i] / temperature)
        others = {
            k: math.exp(place @ other / temperature) for k, other in enumerate(places) if k != i
        }
        alike = sum(value for k, value in others.items() if labels[k] == label)
        total -= math.log((own + alike) / (own + sum(others.values())))
    return total / len(labels)


def unit(*size):
    return torch.nn.functional.normalize(torch.randn(*size, dtype=torch.float64))


@pytest.mark.parametrize("temperature", [1.0, 0.3])
def test_equation_8(temperature):
    places, classes = unit(6, 4), unit(6, 4)
    found = class_contrast(places, classes, LABELS, temperature=temperature).item()
    assert found == pytest.approx(contrast(places, classes, LABELS.tolist(), temperature))


def conditional(trick):
    gan = small("cgan", POINTS)
    return state_of(gan, POINTS, [trick], recipe=gan.recipe.model_copy(update={"batch_size": 6}))


def test_both_players_get_the_contrast_of_their_examples_on_the_sphere():
    state = conditional(Contrastive(weight=0.5, temperature=0.7, size=5))
    batch = Batch(torch.randn(6, 2), LABELS)
    for role in state.updates:
        turn = gradients(state, role, batch)
        scored = turn.real if role == "discriminator" else turn.fake
        values, vectors = (
            torch.nn.functional.normalize(each.detach()) for each in scored.noted(hooks(state))
        )
        assert values.shape == (6, 5)
        expected = 0.5 * contrast(values, vectors[LABELS], LABELS.tolist(), 0.7)
        assert turn.terms["contrastive/contrast"].item() == pytest.approx(expected, rel=1e-4)
        assert all(weight.grad is not None for weight in state.parameters(role))


def hooks(state):
    return next(hooks for hooks in state.tricks if isinstance(hooks, Contrastive))


def test_the_logits_know_nothing_of_the_sphere():
    state, plain = conditional(Contrastive()), conditional(Contrastive(weight=0.0))
    batch = Batch(torch.randn(6, 2), LABELS)
    logits = [Turn(each, "discriminator", batch).real.logits for each in (state, plain)]
    assert torch.equal(*logits)


def test_models_without_classes_are_refused():
    gan = small("vanilla", POINTS)
    with pytest.raises(ConfigError, match="no class in particular"):
        state_of(gan, POINTS, [Contrastive()])
