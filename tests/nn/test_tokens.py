# SPDX-License-Identifier: MIT
"""Relaxed tokens: their distribution, their limit, and their gradient."""

import pytest
import torch
from torch import nn

from ganbench.nn.tokens import TokenDiscriminator, TokenGenerator

SHARES = torch.tensor([0.6, 0.3, 0.1])


def generator(temperature, **arguments):
    """Return a generator whose tokens have the probabilities SHARES, whatever the latents."""
    network = TokenGenerator(2, (3, 5), temperature=temperature, width=4, **arguments)
    nn.init.zeros_(network.score.weight)
    network.score.bias.data = SHARES.log()
    return network


@pytest.mark.parametrize("temperature", [0.2, 1.0, 5.0])
@pytest.mark.parametrize("straight_through", [False, True])
def test_the_highest_value_is_a_token_of_the_softmax(temperature, straight_through):
    torch.manual_seed(0)
    network = generator(temperature, straight_through=straight_through)
    with torch.no_grad():
        columns = network(torch.randn(8000, 2))
    assert columns.shape == (8000, 3, 5)
    assert torch.allclose(columns.sum(1), torch.ones(8000, 5))
    tokens = columns.argmax(1)
    shares = torch.bincount(tokens.flatten(), minlength=3) / tokens.numel()
    assert (shares - SHARES).abs().max() < 4 * 0.5 / 40_000**0.5
    if straight_through:
        assert set(columns.unique().tolist()) == {0.0, 1.0}


def test_columns_are_sharper_at_lower_temperatures():
    sharpness = []
    for temperature in (5.0, 1.0, 0.1):
        torch.manual_seed(0)
        columns = generator(temperature)(torch.zeros(500, 2))
        sharpness.append(columns.amax(1).mean().item())
    assert sharpness == sorted(sharpness)
    assert sharpness[-1] > 0.95


def test_straight_through_has_the_gradient_of_the_relaxed_tokens():
    gradients = []
    weights = torch.randn(6, 3, 5)
    for straight_through in (False, True):
        network = generator(0.7, straight_through=straight_through)
        torch.manual_seed(1)
        (network(torch.zeros(6, 2)) * weights).sum().backward()
        gradients.append(network.score.bias.grad)
    assert gradients[0].abs().max() > 0
    assert torch.allclose(*gradients)


def test_a_discriminator_judges_columns():
    assert TokenDiscriminator((3, 5), width=4)(torch.rand(2, 3, 5)).shape == (2, 1)
