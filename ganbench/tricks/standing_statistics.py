# SPDX-License-Identifier: MIT
"""Standing statistics: batch normalization is told again what the final generator makes."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from ganbench.errors import ConfigError
from ganbench.gan import Batch, Draw, Sampler
from ganbench.nn.synchronized import SynchronizedBatchNorm, has_batch_norm
from ganbench.registry import register
from ganbench.runtime.process_group import ALONE
from ganbench.state import State
from ganbench.trick import Trick, TrickState


@register("standing-statistics")
@dataclass(frozen=True)
class StandingStatistics(Trick):
    """Measures the statistics of the generator's batch normalization again before it draws.

    Paper: Brock, Donahue and Simonyan, 2019, arXiv:1809.11096

    In place of running averages over the last updates of a generator that was changing, samples
    are drawn with the means of the statistics of ``batches`` batches of ``batch_size`` latents,
    which pass through the final generator, or through what ``ema`` puts in its place. Training is
    unchanged.
    """

    batches: Annotated[int, Field(ge=0)] = 100
    batch_size: Annotated[int, Field(ge=2)] = 64

    neutral: ClassVar = {"batches": 0}

    def start(self, state: State) -> TrickState:
        """Refuse generators without batch normalization, in which nothing could be measured.

        Raises:
            ConfigError: The generator has none.
        """
        if not has_batch_norm(state.generator):
            raise ConfigError(
                "standing-statistics measures what batch normalization needs, and the generator "
                "has none.",
                "Remove the trick, or choose another backbone: --trick standing-statistics:off",
            )
        return {}

    def sampler(self, sampler: Sampler, state: State) -> Sampler:
        """Draw with statistics that were measured again."""
        return sampler.replace(draw=_Standing(self, sampler.draw, state))


class _Standing:
    """Draws with a copy of the generator; the first draw measures its statistics."""

    def __init__(self, settings: StandingStatistics, draw: Draw, state: State) -> None:
        self.settings, self.draw, self.state = settings, draw, state
        self.measured: nn.Module | None = None

    def __call__(self, sampler: Sampler, count: int, generator: torch.Generator) -> Batch:
        """Draw ``count`` samples."""
        if not self.settings.batches:
            return self.draw(sampler, count, generator)
        if self.measured is None:
            self.measured = self._measure(sampler, generator)
        return self.draw(sampler.replace(generator=self.measured), count, generator)

    @torch.no_grad()
    def _measure(self, sampler: Sampler, generator: torch.Generator) -> nn.Module:
        """Return a copy of the sampler's generator with the statistics of its own samples."""
        network = copy.deepcopy(sampler.generator).eval()
        norms = [module for module in network.modules() if isinstance(module, _BatchNorm)]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # a mean over all batches
            norm.train()
            if isinstance(norm, SynchronizedBatchNorm):
                norm.group = ALONE  # samples are drawn by one process alone
        for _ in range(self.settings.batches):
            count = self.settings.batch_size
            latents = sampler.latents(count, generator)
            labels, sources = sampler.labels(count, generator), sampler.sources(count, generator)
            condition = self.state.condition_of(Batch(latents, labels, sources))
            with self.state.autocast():
                network(latents) if condition is None else network(latents, condition)
        return network.eval()
