# SPDX-License-Identifier: MIT
"""Standing statistics, compared with means over batches that are written out."""

from dataclasses import dataclass

import pytest
import torch
from small_states import state_of
from torch import nn

from ganbench.config import Recipe, sgd
from ganbench.errors import ConfigError
from ganbench.gan import GAN, Batch, DataSpec
from ganbench.losses import wasserstein
from ganbench.nn import MLP
from ganbench.nn.synchronized import synchronize_batch_norm
from ganbench.runtime.process_group import ProcessGroup
from ganbench.step import update
from ganbench.tricks.ema import EMA
from ganbench.tricks.standing_statistics import StandingStatistics
from ganbench.tricks.truncation import Truncation

POINTS = DataSpec("points", "1", (2,))


def build(*tricks, generator=None):
    def layers(latent_dim):
        return nn.Sequential(nn.Linear(latent_dim, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))

    gan = GAN(
        generator=generator or layers,
        discriminator=lambda shape: MLP(shape, (5,), (1,)),
        loss=wasserstein,
        recipe=Recipe(
            kimg=1,
            batch_size=6,
            latent_dim=3,
            generator_optimizer=sgd(0.1),
            discriminator_optimizer=sgd(0.1),
        ),
    )
    return state_of(gan, POINTS, tricks)


def trained(*tricks, **settings):
    """Return a state whose running statistics are not those of its weights."""
    state = build(*tricks, **settings)
    for _ in range(3):
        update(state, "generator", Batch(torch.randn(6, 2)))
    state.generator.eval()
    state.discriminator.eval()
    return state


def by_hand(state, generator, batches, size, count):
    """Return samples, after the means of the statistics of some batches, from the same stream."""
    stream = torch.Generator().manual_seed(7)
    first, norm, last = generator
    values = [first(state.prior(size, stream)) for _ in range(batches)]
    mean = torch.stack([value.mean(0) for value in values]).mean(0)
    variance = torch.stack([value.var(0) for value in values]).mean(0)
    latents = state.sampler().latents(count, stream)
    normalized = (first(latents) - mean) / (variance + norm.eps).sqrt()
    return last(normalized * norm.weight + norm.bias)


def test_samples_are_drawn_with_the_means_of_the_statistics():
    state = trained(StandingStatistics(batches=5, batch_size=8))
    before = {name: value.clone() for name, value in state.generator.state_dict().items()}
    drawn = state.sampler()(9, torch.Generator().manual_seed(7)).images
    torch.testing.assert_close(drawn, by_hand(state, state.generator, 5, 8, 9))
    assert all(
        torch.equal(value, before[key]) for key, value in state.generator.state_dict().items()
    )
    plain = trained().sampler()(9, torch.Generator().manual_seed(7)).images
    assert (drawn - plain).abs().max() > 0.05


def test_they_are_measured_once():
    state = trained(StandingStatistics(batches=2))
    sampler, stream = state.sampler(), torch.Generator().manual_seed(0)
    sampler(4, stream)
    measured = sampler.draw.measured
    sampler(4, stream)
    assert sampler.draw.measured is measured


def test_those_of_the_average_are_measured():
    state = trained(StandingStatistics(batches=3, batch_size=8), EMA())
    average = state.memory_of(EMA())["generator"]
    drawn = state.sampler()(9, torch.Generator().manual_seed(7)).images
    torch.testing.assert_close(drawn, by_hand(state, average, 3, 8, 9))


def test_truncated_latents_have_statistics_of_their_own():
    state = trained(StandingStatistics(batches=20), Truncation(psi=0.3))
    sampler = state.sampler()
    sampler(2, torch.Generator().manual_seed(0))
    first = state.generator[0]
    spread = (first.weight**2).sum(1) * 0.3**2 / 3  # of nearly uniform values
    torch.testing.assert_close(
        sampler.draw.measured[1].running_var, spread.detach(), rtol=0.2, atol=0
    )


def test_a_process_that_draws_alone_waits_for_no_other():
    @dataclass(frozen=True)
    class Absent(ProcessGroup):
        size: int = 2

        def gather(self, values):
            raise AssertionError("the other process draws no samples")

    state = build(StandingStatistics(batches=3, batch_size=8))
    plain = state.sampler()(9, torch.Generator().manual_seed(7)).images
    state.generator = synchronize_batch_norm(state.generator, Absent()).eval()
    shared = state.sampler()(9, torch.Generator().manual_seed(7)).images
    torch.testing.assert_close(shared, plain)


def test_a_generator_without_batch_normalization_is_refused():
    with pytest.raises(ConfigError, match="the generator has none") as error:
        build(StandingStatistics(), generator=lambda latent_dim: MLP((latent_dim,), (4,), (2,)))
    assert error.value.hint.endswith("--trick standing-statistics:off")
