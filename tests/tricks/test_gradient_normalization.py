# SPDX-License-Identifier: MIT
"""Gradient normalization, against its closed form for a linear discriminator and others."""

import numpy as np
import pytest
import torch
from dirac_gan import RATE, batch_at, dirac
from torch import nn

from ganbench.errors import ConfigError
from ganbench.nn import MLP
from ganbench.step import update
from ganbench.tricks.gradient_normalization import GradientNormalization, Normalized
from ganbench.tricks.logan import LOGAN
from ganbench.tricks.r1 import R1
from ganbench.tricks.unrolled import Unrolled

pytestmark = pytest.mark.usefixtures("float64")


def players(state):
    """Return psi and theta."""
    return state.discriminator.network.weight.item(), state.generator.point.item()


@pytest.mark.parametrize("psi", [0.7, -1.6])
def test_the_update_of_both_players(psi):
    """D(x) = psi x becomes sign(psi) x / (1 + |x|), in which psi has no slope."""
    state = dirac(GradientNormalization(), psi=[psi])
    update(state, "discriminator", batch_at(0.4))
    np.testing.assert_allclose(players(state), (psi, 1.3))
    update(state, "generator", batch_at(0.4))
    slope = np.sign(psi) / (1 + 1.3) ** 2
    np.testing.assert_allclose(players(state), (psi, 1.3 + RATE * slope))


def test_a_bias_is_learned():
    """For D(x) = psi x + b with s = |psi| + |psi x + b|, the slope in b is |psi| / s^2."""

    def affine(_):
        layer = nn.Linear(1, 1)
        layer.weight.data.fill_(0.7)
        layer.bias.data.fill_(-0.2)
        return layer

    state = dirac(GradientNormalization(), discriminator=affine)
    update(state, "discriminator", batch_at(0.4))  # the loss is D(fake) - D(real)

    def slope(x):
        return 0.7 / (0.7 + abs(0.7 * x - 0.2)) ** 2

    bias = state.discriminator.network.bias.item()
    np.testing.assert_allclose(bias, -0.2 - RATE * (slope(1.3) - slope(0.4)))


def test_each_example_has_its_own_norm():
    """Against the gradients of single examples that ``torch.func`` computes."""
    network, examples = MLP((3,), (8, 8), (1,)), torch.randn(5, 3)
    slopes = torch.func.vmap(torch.func.grad(lambda x: network(x[None]).squeeze()))(examples)
    logits = network(examples).squeeze(1)
    expected = logits / (slopes.norm(dim=1) + logits.abs())
    with torch.no_grad():
        torch.testing.assert_close(Normalized(network)(examples).squeeze(1), expected)


def test_several_logits_and_extras():
    class Two(nn.Module):
        def forward(self, examples, condition):
            return torch.stack([examples.sum(1), 3 * examples.sum(1)], 1) + condition, "extras"

    examples, condition = torch.randn(4, 3), torch.ones(())
    logits, extras = Normalized(Two())(examples, condition)
    plain = Two()(examples, condition)[0]
    torch.testing.assert_close(logits, plain / (2 * 3**0.5 + plain.abs()))
    assert extras == "extras"


@pytest.mark.parametrize("other", [R1(), Unrolled(), LOGAN()])
def test_a_third_derivative_of_batch_normalization_is_refused(other):
    def with_norm(shape):
        return nn.Sequential(nn.Linear(*shape, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))

    with pytest.raises(ConfigError, match="no third derivative"):
        dirac(GradientNormalization(), other, discriminator=with_norm)
    update(dirac(GradientNormalization(), discriminator=with_norm), "generator", batch_at(0.4))
