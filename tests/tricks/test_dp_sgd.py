# SPDX-License-Identifier: MIT
"""DP-SGD: each example's gradient, its limit, and the noise, on the Dirac-GAN."""

import numpy as np
import pytest
import torch
from dirac_gan import RATE, dirac, weights
from scipy import stats
from torch import nn

from ganbench import registry
from ganbench.errors import ConfigError
from ganbench.gan import Batch
from ganbench.losses import non_saturating, relativistic
from ganbench.step import gradients, update
from ganbench.tricks.dp_sgd import DPSGD
from ganbench.tricks.ema import EMA
from ganbench.tricks.instance_noise import InstanceNoise
from ganbench.tricks.pacgan import PacGAN
from ganbench.tricks.r1 import R1

pytestmark = pytest.mark.usefixtures("float64")

REAL = np.array([[0.4, 0.2], [3.0, -1.0], [1.2, 0.5], [-2.0, 4.0]])
THETA = np.array([1.3, 0.5])


def plane(*tricks, psi=(0.7, -0.4), theta=THETA, **settings):
    return dirac(*tricks, psi=psi, theta=theta, **settings)


@pytest.mark.parametrize("clip", [0.3, 2.0, 100.0])
def test_the_mean_of_clipped_gradients_moves_the_discriminator(clip):
    """The gradient of D(fake) - D(real) of the i-th example is theta - x_i."""
    state = plane(DPSGD(clip=clip, noise=0.0))
    update(state, "discriminator", Batch(torch.tensor(REAL)))
    slopes = THETA - REAL
    norms = np.linalg.norm(slopes, axis=1)
    clipped = slopes * np.minimum(1, clip / norms)[:, None]
    psi, theta = weights(state)
    np.testing.assert_allclose(psi, np.array([0.7, -0.4]) - RATE * clipped.mean(0))
    np.testing.assert_allclose(theta, THETA)
    assert state.statistics.flush()["dp-sgd/norm"] == pytest.approx(norms.mean(), rel=1e-6)


def test_an_example_moves_the_discriminator_no_further_than_the_limit():
    """Whatever the example is, the gradient differs by at most 2 clip / B."""
    found = []
    for example in (REAL[3], 1e6 * REAL[3], -1e6 * REAL[3]):
        state = plane(DPSGD(clip=0.5, noise=0.0))
        gradients(state, "discriminator", Batch(torch.tensor(np.vstack([REAL[:3], example]))))
        found.append(state.discriminator.weight.grad.numpy().copy())
    for gradient in found[1:]:
        assert np.linalg.norm(gradient - found[0]) <= 2 * 0.5 / 4 + 1e-12


def test_without_limit_or_noise_it_is_the_plain_gradient():
    def network(shape):
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, 1))

    states = [
        plane(*tricks, discriminator=network, loss=non_saturating)
        for tricks in ([DPSGD(clip=1e30, noise=0.0)], [])
    ]
    for state in states:
        gradients(state, "discriminator", Batch(torch.tensor(REAL)))
    for private, plain in zip(
        *(state.parameters("discriminator") for state in states), strict=True
    ):
        torch.testing.assert_close(private.grad, plain.grad)


def test_the_noise_has_its_law():
    """N(0, (noise * clip / B)^2) in each weight, drawn from the trick's own stream."""
    size = 5000
    state = plane(DPSGD(clip=0.5, noise=3.0), psi=np.ones(size), theta=np.zeros(size))
    gradients(state, "discriminator", Batch(torch.zeros(4, size)))  # whose slopes are zero
    noise = state.discriminator.weight.grad[0].numpy().copy()
    assert stats.kstest(noise, stats.norm(0, 3.0 * 0.5 / 4).cdf).pvalue > 0.01
    gradients(state, "discriminator", Batch(torch.zeros(4, size)))
    assert abs(np.corrcoef(noise, state.discriminator.weight.grad[0].numpy())[0, 1]) < 0.05


def test_the_generator_learns_as_ever():
    states = plane(DPSGD(noise=5.0)), plane()
    for state in states:
        gradients(state, "generator", Batch(torch.tensor(REAL)))
    assert torch.equal(*(state.generator.point.grad for state in states))


@pytest.mark.parametrize("other", [R1(), InstanceNoise(), PacGAN(size=2)])
def test_what_lets_examples_act_in_other_ways_is_refused(other):
    with pytest.raises(ConfigError, match=f"{registry.name_of(other)} would let examples"):
        plane(DPSGD(), other)
    plane(DPSGD(), EMA())


def test_losses_and_networks_that_mix_examples_are_refused():
    with pytest.raises(ConfigError, match="the loss relativistic compares examples"):
        plane(DPSGD(), loss=relativistic)

    def with_norm(shape):
        return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))

    class Centered(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(2, 1)

        def forward(self, points):
            logits = self.layer(points)
            return logits - logits.mean(), "extras"

    with pytest.raises(ConfigError, match="computes over a batch"):
        plane(DPSGD(), discriminator=lambda shape: Centered())
    with pytest.raises(ConfigError, match="computes over a batch") as error:
        plane(DPSGD(), discriminator=with_norm)
    assert error.value.hint.endswith("--trick dp-sgd:off")
