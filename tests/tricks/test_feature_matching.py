# SPDX-License-Identifier: MIT
"""Feature matching, against updates of a generator made by hand."""

import numpy as np
import pytest
import torch
from dirac_gan import RATE, batch_at, dirac, players
from torch import nn

from ganbench import losses
from ganbench.errors import ConfigError
from ganbench.nn.several import SeveralDiscriminators
from ganbench.step import update
from ganbench.tricks.extragradient import Extragradient
from ganbench.tricks.feature_matching import FeatureMatching
from ganbench.tricks.unrolled import Unrolled

pytestmark = pytest.mark.usefixtures("float64")


@pytest.mark.parametrize(("adversarial", "played"), [(0.0, 0.0), (1.0, 1.0), (0.5, 0.5)])
def test_the_generator_moves_toward_the_mean_features(adversarial, played):
    """The features of a linear discriminator are the examples: the slope is 2 w (theta - c)."""
    state = dirac(FeatureMatching(weight=0.6, adversarial=adversarial))
    update(state, "generator", batch_at(0.4))
    slope = 2 * 0.6 * (1.3 - 0.4) - played * 0.7
    np.testing.assert_allclose(players(state), (0.7, 1.3 - RATE * slope))


def test_the_discriminator_learns_as_usual():
    for loss in (losses.wasserstein, losses.relativistic):
        states = dirac(FeatureMatching(), loss=loss), dirac(loss=loss)
        for state in states:
            update(state, "discriminator", batch_at(0.4))
        assert players(states[0]) == players(states[1])


def two_layers(_):
    first, second = nn.Linear(1, 2, bias=False), nn.Linear(2, 1, bias=False)
    first.weight.data = torch.tensor([[2.0], [-3.0]])
    return nn.Sequential(first, second)


def test_features_are_what_enters_the_last_layer():
    """Features (2 x, -3 x) make the squared distance 13 (theta - c)^2, whatever the logits."""
    state = dirac(FeatureMatching(weight=1.0), discriminator=two_layers)
    update(state, "generator", batch_at(0.4))
    point = state.generator.point.item()
    np.testing.assert_allclose(point, 1.3 - RATE * 26 * (1.3 - 0.4))


@pytest.mark.parametrize("other", [Unrolled(steps=1), Extragradient()])
def test_with_other_orders_of_the_passes(other):
    """A discriminator that is a step ahead has other features, and the move is still finite."""
    state = dirac(FeatureMatching(), other, discriminator=two_layers)
    state.tricks.step_rule(lambda state, batch: update(state, "generator", batch()))(
        state, lambda: batch_at(0.4)
    )
    assert np.isfinite(state.generator.point.item())
    assert state.generator.point.item() != 1.3


def test_nothing_is_watched_between_passes():
    state = dirac(FeatureMatching())
    update(state, "generator", batch_at(0.4))
    assert not state.discriminator._forward_pre_hooks


def test_several_discriminators_have_no_last_layer():
    with pytest.raises(ConfigError, match="no single layer"):
        dirac(
            FeatureMatching(), discriminator=lambda _: SeveralDiscriminators([nn.Linear(1, 1)] * 2)
        )
