# SPDX-License-Identifier: MIT
"""Several discriminators: each learns by its own slope, the generator by the mean of theirs."""

import numpy as np
import pytest
import torch
from dirac_gan import RATE, batch_at, dirac, linear
from torch import nn

from ganbench import losses
from ganbench.errors import ConfigError
from ganbench.step import update
from ganbench.tricks.feature_matching import FeatureMatching
from ganbench.tricks.several_discriminators import DiscriminatorEnsemble
from ganbench.turn import Turn

pytestmark = pytest.mark.usefixtures("float64")


def test_the_updates_of_all_players():
    """Losses are means over all logits: each psi gets a third of its slope, theta the mean psi."""
    weights = iter([0.7, -0.4, 1.1])
    state = dirac(DiscriminatorEnsemble(number=3), discriminator=lambda _: linear((next(weights),)))
    update(state, "discriminator", batch_at(0.4))
    psi = [network.weight.item() for network in state.discriminator.networks]
    np.testing.assert_allclose(psi, np.array([0.7, -0.4, 1.1]) - RATE * (1.3 - 0.4) / 3)
    update(state, "generator", batch_at(0.4))
    np.testing.assert_allclose(state.generator.point.item(), 1.3 + RATE * np.mean(psi))


def test_they_begin_with_other_weights_the_first_with_those_of_a_single_one():
    def affine(_):
        return nn.Linear(1, 1)

    state = dirac(DiscriminatorEnsemble(number=2), discriminator=affine)
    single = dirac(discriminator=affine)
    first, second = (network.weight.item() for network in state.discriminator.networks)
    assert first == single.discriminator.weight.item() != second


def test_logits_of_patches_stand_side_by_side():
    state = dirac(
        DiscriminatorEnsemble(number=2),
        discriminator=lambda _: nn.Sequential(nn.Linear(1, 6), nn.Unflatten(1, (1, 2, 3))),
    )
    assert Turn(state, "discriminator", batch_at(0.4)).real.logits.shape == (4, 12)


class TwoOutputs(nn.Module):
    def forward(self, examples):
        return examples, examples


def test_more_than_logits_and_tricks_that_look_into_the_network_are_refused():
    state = dirac(DiscriminatorEnsemble(), discriminator=lambda _: nn.Linear(1, 1))
    state.discriminator.networks[0] = TwoOutputs()
    with pytest.raises(ConfigError, match="returns more than logits"):
        state.discriminator(torch.zeros(4, 1))
    with pytest.raises(ConfigError, match="no single layer"):
        dirac(DiscriminatorEnsemble(), FeatureMatching())


def test_a_loss_that_would_mix_their_logits_is_refused():
    assert dirac(DiscriminatorEnsemble(number=1), loss=losses.relativistic_average).discriminator
    with pytest.raises(ConfigError, match="'relativistic-average' is no mean over logits"):
        dirac(DiscriminatorEnsemble(), loss=losses.relativistic_average)
