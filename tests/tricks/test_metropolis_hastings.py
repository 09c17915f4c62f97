# SPDX-License-Identifier: MIT
"""Metropolis-Hastings sampling, compared with chains whose law is known at every step."""

import numpy as np
import pytest
import torch
from line_samplers import TARGET, build, draw, log_ratio
from scipy import stats

from ganbench.errors import ConfigError
from ganbench.tricks.drs import DRS
from ganbench.tricks.metropolis_hastings import MetropolisHastings
from ganbench.tricks.pacgan import PacGAN


def odds_of_three(points):
    """Return the logit of a positive point that is three times as real as a negative one."""
    return np.log(3) * (points > 0)


@pytest.mark.parametrize("steps", [0, 1, 2, 6])
def test_each_step_has_its_law(steps):
    """A positive point leaves if a negative one is proposed (1/2) and accepted (1/3)."""
    samples = draw(build(MetropolisHastings(steps=steps), score=odds_of_three), 20_000)
    share = 0.5
    for _ in range(steps):
        share = share * (1 - 1 / 6) + (1 - share) / 2
    positive = int((samples > 0).sum())
    assert stats.binomtest(positive, 20_000, share).pvalue > 0.01


def test_long_chains_give_the_data_distribution():
    plain = draw(build(score=log_ratio), 3000)[:, 0].numpy()
    samples = draw(build(MetropolisHastings(steps=60), score=log_ratio), 3000)[:, 0].numpy()
    assert stats.kstest(plain, TARGET.cdf).pvalue < 1e-9
    assert stats.kstest(samples, TARGET.cdf).pvalue > 0.01


def test_what_belongs_to_a_sample_travels_along():
    batch = build(MetropolisHastings(steps=5), score=log_ratio).sampler()(
        50, torch.Generator().manual_seed(0)
    )
    assert torch.equal(batch.images, batch.latents)


def test_the_stream_decides():
    state = build(MetropolisHastings(steps=5), score=log_ratio)
    assert torch.equal(draw(state, 50), draw(state, 50))
    assert not torch.equal(draw(state, 50), draw(state, 50, seed=2))


def test_packs_and_other_corrections_are_refused():
    with pytest.raises(ConfigError, match="pacgan packs samples"):
        build(MetropolisHastings(), PacGAN(size=2))
    with pytest.raises(ConfigError, match="would correct them a second time"):
        build(MetropolisHastings(), DRS())
