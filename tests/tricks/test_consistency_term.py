# SPDX-License-Identifier: MIT
"""The consistency term, against passes whose dropout is drawn again by hand."""

import numpy as np
import pytest
import torch
from dirac_gan import batch_at, dirac
from torch import nn

from ganbench.tricks.consistency_term import ConsistencyTerm
from ganbench.turn import Turn

pytestmark = pytest.mark.usefixtures("float64")


def two_layers(_):
    return nn.Sequential(nn.Linear(1, 6, bias=False), nn.Linear(6, 1, bias=False))


@pytest.mark.parametrize("margin", [0.0, 2.0])
def test_the_term_compares_two_passes_with_their_own_dropout(margin):
    trick = ConsistencyTerm(weight=300.0, margin=margin, dropout=0.25)
    state = dirac(trick, discriminator=two_layers)
    first, last = (layer.weight.detach() for layer in state.discriminator)
    turn = Turn(state, "discriminator", batch_at(0.4))
    stream = turn.random(trick).clone_state()
    (term,) = trick.discriminator_terms(turn).values()
    masks = [torch.rand(4, 6, generator=stream) >= 0.25 for _ in range(2)]
    features = [0.4 * first.T * mask / 0.75 for mask in masks]
    logits = [(values @ last.T)[:, 0] for values in features]
    squares = (logits[0] - logits[1]).square()
    squares += 0.1 * (features[0] - features[1]).square().mean(1)
    expected = (300.0 * squares - margin).clamp(min=0)
    assert (expected > 0).any()
    assert margin == 0 or (expected == 0).any()
    torch.testing.assert_close(term, expected.mean())


def test_every_pass_has_dropout_but_at_the_example_itself_and_none_in_evaluation():
    state = dirac(ConsistencyTerm(dropout=0.25), discriminator=two_layers)
    shown = [[], []]
    for layer, inputs in zip(state.discriminator, shown, strict=True):
        layer.register_forward_pre_hook(lambda _, values, inputs=inputs: inputs.append(values[0]))
    turn = Turn(state, "generator", batch_at(0.4))
    examples = turn.fake.images
    assert turn.fake.logits.shape == (4, 1)
    assert torch.equal(shown[0][0], examples)
    hidden = state.discriminator[0](examples)
    kept = shown[1][0] != 0
    assert not kept.all()
    torch.testing.assert_close(shown[1][0][kept], (hidden / 0.75)[kept])
    state.discriminator.eval()
    torch.testing.assert_close(
        state.discriminator(examples), state.discriminator[1].weight @ hidden[0] * torch.ones(4, 1)
    )


def test_without_dropout_nothing_changes_between_passes():
    trick = ConsistencyTerm(dropout=0.0)
    state = dirac(trick, discriminator=two_layers)
    (term,) = trick.discriminator_terms(Turn(state, "discriminator", batch_at(0.4))).values()
    np.testing.assert_allclose(term.item(), 0.0)
