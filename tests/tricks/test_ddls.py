# SPDX-License-Identifier: MIT
"""DDLS, compared with the law of a Langevin walk on Gaussians, which is Gaussian at every step."""

import numpy as np
import pytest
import torch
from dirac_gan import dirac
from line_samplers import build, draw, log_ratio
from scipy import stats

from ganbench.errors import ConfigError
from ganbench.tricks.ddls import DDLS
from ganbench.tricks.ema import EMA
from ganbench.tricks.pacgan import PacGAN
from ganbench.tricks.truncation import Truncation


@pytest.mark.parametrize("steps", [0, 1, 7, 100])
@pytest.mark.parametrize("rate", [0.05, 0.4])
def test_each_step_has_its_law(steps, rate):
    """The energy is that of N(0.5, 0.7^2): the distance to 0.5 shrinks by 1 - rate / (2 * 0.49)."""
    samples = draw(build(DDLS(steps=steps, rate=rate), score=log_ratio), 4000)[:, 0].numpy()
    mean, variance, shrinking = 0.0, 1.0, 1 - rate / (2 * 0.49)
    for _ in range(steps):
        mean = 0.5 + shrinking * (mean - 0.5)
        variance = shrinking**2 * variance + rate
    assert stats.kstest(samples, stats.norm(mean, variance**0.5).cdf).pvalue > 0.01


def test_a_flat_discriminator_leaves_the_prior():
    samples = draw(build(DDLS(steps=50, rate=0.02), score=lambda points: 0 * points, size=3), 2000)
    assert stats.kstest(samples.flatten().numpy(), stats.norm.cdf).pvalue > 0.01
    across = np.corrcoef(samples.numpy(), rowvar=False)
    assert np.abs(across - np.eye(3)).max() < 0.1


def test_a_uniform_prior_bounds_the_walk():
    samples = draw(build(DDLS(steps=30), score=lambda points: 4 * points, prior="uniform"), 2000)
    assert samples.abs().max() <= 1
    assert samples.mean() > 0.5  # the law is exp(4 x) on [-1, 1]


@pytest.mark.parametrize("rate", [0.05, 3.0])
def test_a_flat_discriminator_leaves_a_uniform_prior(rate):
    """None of the latents gathers at the bounds, also where a step is longer than the interval."""
    state = build(DDLS(steps=20, rate=rate), score=lambda points: 0 * points, prior="uniform")
    samples = draw(state, 4000)[:, 0].numpy()
    assert stats.kstest(samples, stats.uniform(-1, 2).cdf).pvalue > 0.01


def test_the_generator_is_the_one_that_is_finally_used():
    """Latents walk by the average of the generator, from which samples are drawn."""
    state = build(DDLS(steps=20), EMA(), score=log_ratio)
    plain = draw(build(DDLS(steps=20), score=log_ratio), 50)
    torch.nn.init.constant_(state.generator.factor, 100.0)  # the average still has a factor of 1
    assert torch.equal(draw(state, 50), plain)


def test_it_leaves_no_gradients_and_no_graph():
    state = build(DDLS(steps=2), score=log_ratio)
    assert not draw(state, 5).requires_grad
    assert state.generator.factor.grad is None
    assert state.discriminator.weight.grad is None


def test_what_it_does_not_work_with_is_refused():
    with pytest.raises(ConfigError, match="some of whose values may be codes"):
        build(DDLS(), own_prior=lambda count, size, stream: torch.ones(count, size))
    with pytest.raises(ConfigError, match="which truncation changes"):
        build(DDLS(), Truncation())
    with pytest.raises(ConfigError, match="pacgan packs samples"):
        build(DDLS(), PacGAN(size=2))
    with pytest.raises(ConfigError, match="generator ignores them"):
        draw(dirac(DDLS()), 3)
