# SPDX-License-Identifier: MIT
"""The deviation within groups, against an update of a linear discriminator by hand."""

import numpy as np
import pytest
import torch
from dirac_gan import RATE, dirac
from torch import nn

from ganbench.errors import ConfigError
from ganbench.gan import Batch
from ganbench.nn.convolutional import ConvDiscriminator
from ganbench.nn.last_layer import WithStatistics
from ganbench.nn.mlp import MLP
from ganbench.nn.resnet import ResidualDiscriminator
from ganbench.step import update
from ganbench.tricks.minibatch_stddev import MinibatchStddev

pytestmark = pytest.mark.usefixtures("float64")

REAL = np.array([0.4, 1.0, -0.2, 0.1])


class Tokens(nn.Module):
    """Maps tokens (B, T, 3) to logits (B, 1)."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 1)

    def forward(self, tokens):
        return self.layer(tokens.tanh().mean(1))


def deviations(values, group):
    """Return the deviation within the group of each value."""
    return np.repeat(np.sqrt(values.reshape(-1, group).var(1) + 1e-8), group)


@pytest.mark.parametrize("group", [2, 4])
def test_the_update_of_a_linear_discriminator(group):
    """D(x) = psi x + v s(x), with the deviation s of x in its group; fakes are all theta."""
    state = dirac(MinibatchStddev(group=group))
    joined = state.discriminator
    joined.added.weight.data.fill_(0.6)
    update(state, "discriminator", Batch(torch.tensor(REAL)[:, None]))
    np.testing.assert_allclose(joined.layer.weight.item(), 0.7 - RATE * (1.3 - REAL.mean()))
    slope = 1e-4 - deviations(REAL, group).mean()
    np.testing.assert_allclose(joined.added.weight.item(), 0.6 - RATE * slope)


@pytest.mark.parametrize(
    ("build", "place"),
    [
        (lambda: MLP((2,), [5, 6, 7], (1,)), "layers.5"),
        (lambda: ConvDiscriminator((1, 16, 16), width=4), "layers.2"),
        (lambda: ResidualDiscriminator((1, 16, 16), width=4), "blocks.2.second"),
        (lambda: nn.Sequential(nn.Flatten(2), nn.Linear(256, 3), Tokens()), "1"),
    ],
)
def test_a_layer_follows_that_can_weigh_it_against_the_features(build, place):
    joined = MinibatchStddev().wrap_discriminator(lambda shape: build(), None)(None)
    places = [name for name, part in joined.named_modules() if isinstance(part, WithStatistics)]
    assert places == [place]
    assert joined(torch.randn(8, *((2,) if place == "layers.5" else (1, 16, 16)))).shape == (8, 1)


def test_the_deviation_is_a_mean_over_features_and_places():
    state = dirac(
        MinibatchStddev(group=2),
        discriminator=lambda _: nn.Sequential(nn.Unflatten(1, (1, 1, 1)), nn.Conv2d(1, 1, 1)),
    )
    statistics = state.discriminator[1].statistics
    maps = torch.randn(4, 3, 2, 2)
    expected = [np.sqrt(pair.numpy().var(0) + 1e-8).mean() for pair in (maps[:2], maps[2:])]
    np.testing.assert_allclose(statistics(maps)[:, 0], np.repeat(expected, 2))


def test_parts_of_a_batch_must_hold_whole_groups():
    MinibatchStddev(group=4).check_parts(8, 2)
    with pytest.raises(ConfigError, match="each of 2 processes has 6") as raised:
        MinibatchStddev(group=4).check_parts(6, 2)
    assert raised.value.hint == "For example: --batch-size 16"
