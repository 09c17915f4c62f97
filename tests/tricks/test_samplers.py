# SPDX-License-Identifier: MIT
"""How samples are drawn: truncation and rejection, against known distributions."""

import re

import numpy as np
import pytest
import torch
from line_samplers import TARGET, build, draw, log_ratio
from scipy import stats
from scipy.special import expit
from small_models import small
from small_states import state_of
from torch import nn

from ganbench import registry
from ganbench.errors import ConfigError, GanbenchError
from ganbench.gan import Batch, DataSpec
from ganbench.trick import Tricks
from ganbench.tricks.drs import CORRECTIONS, DRS
from ganbench.tricks.ema import EMA
from ganbench.tricks.pacgan import PacGAN
from ganbench.tricks.truncation import Truncation
from ganbench.turn import Turn

# -- truncation ------------------------------------------------------------------------------------


@pytest.mark.parametrize("psi", [0.05, 0.7, 2.0])
def test_truncated_normal(psi):
    samples = draw(build(Truncation(psi=psi), size=4), 2000)
    assert samples.shape == (2000, 4)
    assert samples.abs().max() <= psi
    law = stats.truncnorm(-psi, psi)
    assert stats.kstest(samples.flatten().numpy(), law.cdf).pvalue > 0.01
    across = np.corrcoef(samples.numpy(), rowvar=False)
    assert np.abs(across - np.eye(4)).max() < 0.1  # the values of a latent stay independent


def test_truncated_uniform():
    samples = draw(build(Truncation(psi=0.3), prior="uniform"), 4000)
    law = stats.uniform(-0.3, 0.6)
    assert stats.kstest(samples.flatten().numpy(), law.cdf).pvalue > 0.01


def test_truncation_leaves_inner_values_alone():
    """Only values outside are drawn again."""
    plain, truncated = draw(build(), 500), draw(build(Truncation(psi=1.0)), 500)
    inside = plain.abs() <= 1
    assert 0 < inside.sum() < 500
    assert torch.equal(plain[inside], truncated[inside])


def ones(count, size, stream):
    return torch.ones(count, size)


def test_truncation_refuses_a_model_with_its_own_prior():
    """A one-hot code whose 1 is redrawn is no code."""
    with pytest.raises(ConfigError, match="truncation redraws single values") as error:
        build(Truncation(0.5), own_prior=ones)
    assert error.value.hint == "Remove the trick: --trick truncation:off"


def test_truncation_added_after_training_refuses_it_as_well():
    state = build(own_prior=ones)
    state.tricks = Tricks([Truncation(0.5)])
    with pytest.raises(ConfigError, match="truncation redraws single values"):
        state.sampler()


def test_truncation_and_ema_go_together():
    """One replaces the latents, the other the generator: the average is drawn with truncation."""
    state = build(Truncation(psi=0.7), EMA())
    nn.init.constant_(state.generator.factor, 100.0)  # the average still has a factor of 1
    assert 0.6 < draw(state, 500).abs().max() <= 0.7


# -- discriminator rejection sampling --------------------------------------------------------------


def test_rejection_gives_the_data_distribution():
    plain = draw(build(score=log_ratio), 3000)[:, 0].numpy()
    accepted = draw(build(DRS(percentile=0.0), score=log_ratio), 3000)[:, 0].numpy()
    assert accepted.shape == (3000,)
    assert stats.kstest(plain, TARGET.cdf).pvalue < 1e-9
    assert stats.kstest(accepted, TARGET.cdf).pvalue > 0.01


@pytest.mark.parametrize("percentile", [50, 80, 95])
def test_percentile_sets_the_share_accepted(percentile):
    """gamma shifts F so that this percentage is below zero, where probabilities are below 1/2."""
    judged = []

    def score(points):
        judged.append(len(points))
        return log_ratio(points)

    trick = DRS(percentile=percentile, burn_in=4000)
    samples = draw(build(trick, score=score), 3000)[:, 0].numpy()
    points = stats.norm.ppf(np.linspace(0, 1, 20_001)[1:-1])
    below = log_ratio(points) - log_ratio(points).max()
    score_of_paper = below - np.log(1 - np.exp(below - 1e-6))
    probabilities = expit(score_of_paper - np.percentile(score_of_paper, percentile))
    expected = 3000 / probabilities.mean()
    drawn = sum(judged) - 4000  # in rounds of 3000; part of the last one is used
    assert 0.95 * expected < drawn < 1.05 * expected + 3000
    if percentile <= 80:  # closer to the data, but not exactly there
        reals = TARGET.rvs(3000, random_state=1)
        before = stats.wasserstein_distance(draw(build(), 3000)[:, 0], reals)
        assert stats.wasserstein_distance(samples, reals) < 0.6 * before


def test_largest_logit_is_kept_up_to_date():
    seen = []

    def score(points):
        seen.append(points.max().item())
        return points

    sampler = build(DRS(burn_in=5, percentile=0.0), score=score).sampler()
    stream = torch.Generator().manual_seed(0)
    sampler(200, stream)
    assert max(seen) > seen[0]
    assert sampler.draw.largest.item() == pytest.approx(max(seen))
    calls = len(seen)
    sampler(1, stream)
    assert len(seen) > calls
    assert sampler.draw.largest.item() == pytest.approx(max(seen))


def test_the_same_stream_gives_the_same_samples():
    state = build(DRS(burn_in=100), score=log_ratio)
    assert torch.equal(draw(state, 50), draw(state, 50))
    assert not torch.equal(draw(state, 50), draw(state, 50, seed=2))


def test_rejection_gives_up():
    def spike(points):
        return -1e3 * points.square()

    trick = DRS(percentile=0.0, most_draws=3, burn_in=1000)
    with pytest.raises(GanbenchError, match=r"only \d+ of 60 samples; 20 were requested") as raised:
        draw(build(trick, score=spike), 20)
    assert "percentile" in raised.value.hint


def test_rejection_refuses():
    with pytest.raises(GanbenchError, match="not finite"):
        draw(build(DRS(), score=lambda points: points / 0), 20)
    with pytest.raises(ConfigError, match="pacgan packs samples"):
        build(DRS(), PacGAN(size=2))
    build(DRS(), PacGAN(size=1))
    with pytest.raises(ConfigError, match="one logit for each sample"):
        draw(build(DRS(), score=lambda points: points[::2]), 20)


@pytest.mark.parametrize("name", sorted(CORRECTIONS))
def test_what_corrects_by_logits_says_what_batch_norm_does_to_them(name):
    words = " ".join(registry.tricks.get(name).__doc__.split())
    assert re.search("[Ww]ith batch normalization in the discriminator", words)


@pytest.mark.parametrize("batch_norm", [True, False])
def test_batch_norm_gives_samples_other_logits_than_training(batch_norm):
    """As docstrings say: real and generated batches are normalized apart in training alone."""
    data = DataSpec("images", "1", (1, 16, 16))
    backbone = f"dcgan:width=4,batch_norm={str(batch_norm).lower()}"
    state = state_of(small("nsgan", data, {"backbone": backbone}), data)
    for _ in range(50):  # until running averages have settled
        turn = Turn(state, "discriminator", Batch(torch.randn(64, 1, 16, 16)))
        real, fake = turn.real.logits, turn.fake.logits
    assert real.std() > 0
    state.discriminator.eval()
    drawn = state.sampler().judge(Batch(turn.fake.images.detach()))
    assert torch.allclose(drawn, fake, rtol=0.2) != batch_norm
