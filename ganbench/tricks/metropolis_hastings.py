# SPDX-License-Identifier: MIT
"""Metropolis-Hastings sampling: each sample is the end of a chain that the discriminator guides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from pydantic import Field

from ganbench.gan import Batch, Draw, Sampler
from ganbench.registry import register
from ganbench.state import State
from ganbench.trick import Trick, TrickState
from ganbench.tricks.drs import logit_of_each, require_single_logits


@register("metropolis-hastings")
@dataclass(frozen=True)
class MetropolisHastings(Trick):
    """Draws each sample by a chain that moves to a new one with the odds of being real.

    Paper: Turner et al., 2019, arXiv:1811.11357

    From a sample x to the next proposal x' with the probability
    ``min(1, (1 / D(x) - 1) / (1 / D(x') - 1)) = min(1, exp(F(x') - F(x)))``, F being the logits.
    A sample is what a chain of its own holds after ``steps`` proposals, each of which costs as much
    as a sample. The paper starts each chain from a real example and calibrates the discriminator;
    here chains start from a sample, and the logits are taken as they are.

    The logit must be log(p / q), with the densities p of the data and q of the generator: train
    with a logistic loss, such as the non-saturating or minimax loss, to convergence and without
    tricks that restrain the discriminator. Training is unchanged. With batch normalization in the
    discriminator, the logits are not those of training, as for ``drs``.
    """

    steps: Annotated[int, Field(ge=0)] = 100

    neutral: ClassVar = {"steps": 0}
    needs_ordered_logits: ClassVar = True

    def start(self, state: State) -> TrickState:
        """Refuse packs of samples, which share a logit, and other corrections.

        Raises:
            ConfigError: The discriminator judges packs, or another trick corrects the samples.
        """
        require_single_logits("metropolis-hastings", state)
        return {}

    def sampler(self, sampler: Sampler, state: State) -> Sampler:
        """Draw with chains."""
        return sampler.replace(draw=_Chains(self.steps, sampler.draw))


class _Chains:
    """Draws by as many chains as samples are requested, side by side."""

    def __init__(self, steps: int, propose: Draw) -> None:
        self.steps = steps
        self.propose = propose

    def __call__(self, sampler: Sampler, count: int, generator: torch.Generator) -> Batch:
        """Draw ``count`` samples."""
        held = self.propose(sampler, count, generator)
        if not self.steps:
            return held
        logits = logit_of_each("metropolis-hastings", sampler, held)  # (count,)
        places = torch.arange(count, device=logits.device)
        for _ in range(self.steps):
            proposed = self.propose(sampler, count, generator)
            others = logit_of_each("metropolis-hastings", sampler, proposed)
            chances = (others - logits).exp()
            accepted = torch.rand(count, generator=generator, device=logits.device) < chances
            held = Batch.join([held, proposed]).take(torch.where(accepted, count + places, places))
            logits = torch.where(accepted, others, logits)
        return held
