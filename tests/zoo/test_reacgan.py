# SPDX-License-Identifier: MIT
"""ReACGAN: the data-to-data cross-entropy by its formula, and pairs that do not count."""

import math

import pytest
import torch
from small_states import state_of

from ganbench.errors import ConfigError
from ganbench.gan import Batch, DataSpec
from ganbench.step import gradients
from ganbench.training.build import create

DATA = DataSpec("points", "1", (2,), classes=4)
LABELS = torch.tensor([0, 2, 1, 1, 0, 2, 3, 1])
BATCH = Batch(torch.randn(8, 2, generator=torch.Generator().manual_seed(0)), LABELS)
MARGIN, TEMPERATURE = 0.6, 0.3


def reacgan():
    settings = {
        "backbone": "auto:width=8",
        "weight": 0.25,
        "temperature": TEMPERATURE,
        "margin": MARGIN,
    }
    gan = create("reacgan", DATA, settings)
    return state_of(gan, DATA, gan.tricks, recipe=gan.recipe.replace(batch_size=8))


def cross_entropy(places, classes, labels):
    """Return the cross-entropy, summed in the order in which the paper writes it."""

    def cosine(left, right):
        return sum(a * b for a, b in zip(left, right, strict=True))

    costs = []
    for i, place in enumerate(places):
        own = math.exp(min(cosine(place, classes[i]) - MARGIN, 0) / TEMPERATURE)
        others = [
            math.exp(max(cosine(place, places[k]) - (1 - MARGIN), 0) / TEMPERATURE)
            for k in range(len(places))
            if labels[k] != labels[i]
        ]
        costs.append(-math.log(own / (own + sum(others))))
    return sum(costs) / len(costs)


@pytest.mark.parametrize("role", ["discriminator", "generator"])
def test_the_term_is_the_papers_of_the_players_own_images(role):
    turn = gradients(reacgan(), role, BATCH)
    places, classes = (turn.real if role == "discriminator" else turn.fake).extras
    expected = cross_entropy(places.tolist(), classes.tolist(), LABELS.tolist())
    assert turn.terms["variant/class"].item() == pytest.approx(0.25 * expected, rel=1e-5)


def test_pairs_beyond_the_margins_do_not_count():
    state = reacgan()
    turn = gradients(state, "discriminator", BATCH)
    near, away = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])
    places = torch.stack([near, near, away]).requires_grad_()
    classes = torch.stack([near, near, away]).requires_grad_()
    scored = turn.real
    scored.batch = Batch(places, torch.tensor([0, 0, 1]))
    scored.__dict__["_shown"] = (scored.seen, scored.logits, (places, classes))
    loss = state.tricks.variant.cross_entropy(scored, turn)
    loss.backward()
    assert not places.grad.any()
    assert not classes.grad.any()
    expected = (2 * math.log(1 + 1) + math.log(1 + 2)) / 3
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_data_without_labels_are_refused():
    with pytest.raises(ConfigError, match="reacgan learns from labels, and plain has none"):
        create("reacgan", DataSpec("plain", "1", (2,)))
