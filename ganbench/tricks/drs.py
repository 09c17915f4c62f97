# SPDX-License-Identifier: MIT
"""Discriminator rejection sampling: the trained discriminator corrects the generator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from ganbench.errors import ConfigError, GanbenchError
from ganbench.gan import Batch, Draw, Sampler
from ganbench.registry import register
from ganbench.state import State
from ganbench.trick import Trick, TrickState, hooks_name, refusal
from ganbench.tricks.pacgan import PacGAN

_BURN_IN_BATCH = 1000

CORRECTIONS = frozenset({"ddls", "dot", "drs", "metropolis-hastings"})
"""The tricks that correct samples by the discriminator's logits, of which one is enough."""


@register("drs")
@dataclass(frozen=True)
class DRS(Trick):
    """Accepts a sample with the probability that the discriminator's density ratio gives it.

    Paper: Azadi et al., 2019, arXiv:1810.06758

    ``sigmoid(F)`` with ``F = D - M - log(1 - exp(D - M - 1e-6)) - gamma``: D is the sample's logit
    and M the largest logit seen so far, at first among ``burn_in`` samples. gamma is the
    ``percentile`` of F among these samples, 80 in the paper on ImageNet: the higher, the fewer are
    accepted. It stays, while M still grows, so later samples are accepted less often. At percentile
    0 gamma is 0, which is exact rejection sampling, and slow.

    The logit must be log(p / q), with the densities p of the data and q of the generator: train
    with a logistic loss, such as the non-saturating or minimax loss, to convergence and without
    tricks that restrain the discriminator. Training is unchanged.

    With batch normalization in the discriminator, the logits are not those of training. There, real
    and generated batches are each normalized by their own statistics; here samples are normalized
    by running averages over both kinds. ``--set model.backbone=dcgan:batch_norm=false`` trains
    without it.
    """

    percentile: Annotated[float, Field(ge=0, le=100)] = 80.0
    burn_in: Annotated[int, Field(ge=1)] = 10_000
    most_draws: Annotated[int, Field(ge=1)] = 1_000
    """The number of samples to draw for each sample requested, before giving up."""

    needs_ordered_logits: ClassVar = True

    def start(self, state: State) -> TrickState:
        """Refuse packs of samples, which share a logit, and other corrections.

        Raises:
            ConfigError: The discriminator judges packs, or another trick corrects the samples.
        """
        require_single_logits("drs", state)
        return {}

    def sampler(self, sampler: Sampler, state: State) -> Sampler:
        """Draw with rejection."""
        return sampler.replace(draw=_Rejection(self, sampler.draw))


class _Rejection:
    """Draws with rejection; the first draw finds the largest logit and gamma, which are kept."""

    def __init__(self, settings: DRS, propose: Draw) -> None:
        self.settings = settings
        self.propose = propose
        self.largest: Tensor | None = None
        self.gamma = 0.0

    def __call__(self, sampler: Sampler, count: int, generator: torch.Generator) -> Batch:
        """Draw ``count`` accepted samples.

        Raises:
            GanbenchError: Hardly any samples are accepted.
        """
        if self.largest is None:
            self._burn_in(sampler, generator)
        accepted: list[Batch] = []
        missing = count
        for _ in range(self.settings.most_draws):
            proposed = self.propose(sampler, count, generator)
            scores = self._score(logit_of_each("drs", sampler, proposed))  # (count,)
            thresholds = torch.rand(len(scores), generator=generator, device=scores.device)
            passed = (thresholds < scores.sigmoid()).nonzero()[:missing, 0]
            accepted.append(proposed.take(passed))
            missing -= len(passed)
            if not missing:
                return Batch.join(accepted)
        raise GanbenchError(
            f"drs accepted only {count - missing} of {count * self.settings.most_draws} samples; "
            f"{count} were requested.",
            "Lower its percentile, as in --trick drs:percentile=50, or train longer.",
        )

    def _burn_in(self, sampler: Sampler, generator: torch.Generator) -> None:
        """Estimate the largest logit, and gamma, from samples before rejection."""
        logits = []
        for start in range(0, self.settings.burn_in, _BURN_IN_BATCH):
            count = min(_BURN_IN_BATCH, self.settings.burn_in - start)
            proposed = self.propose(sampler, count, generator)
            logits.append(logit_of_each("drs", sampler, proposed))
        scores = self._score(torch.cat(logits))
        if not scores.isfinite().all():
            raise GanbenchError(
                "drs cannot accept samples: the discriminator's logits are not finite.",
                "The training diverged; sample without it: --trick drs:off",
            )
        if self.settings.percentile:
            self.gamma = scores.quantile(self.settings.percentile / 100).item()

    def _score(self, logits: Tensor) -> Tensor:
        """Update the largest logit from logits (n,), then return their F (n,)."""
        highest = logits.max()
        self.largest = highest if self.largest is None else torch.maximum(self.largest, highest)
        below = logits - self.largest
        return below - torch.log(-torch.expm1(below - 1e-6)) - self.gamma


def require_single_logits(name: str, state: State) -> None:
    """Refuse what a trick that corrects samples by their logits cannot work with.

    Raises:
        ConfigError: The discriminator judges packs of samples, or another trick corrects them, too.
    """
    packing = [each for each in state.tricks if isinstance(each, PacGAN) and each.size > 1]
    if packing:
        raise refusal(
            name, packing, name + " needs one logit for each sample, and {others} packs samples."
        )
    drawing = state.tricks.having("sampler")
    others = [each for each in drawing if hooks_name(each) in CORRECTIONS - {name}]
    if others:
        raise refusal(
            name,
            others,
            name + " corrects samples by the discriminator's logits, and {others} would correct "
            "them a second time.",
        )


def logit_of_each(name: str, sampler: Sampler, drawn: Batch) -> Tensor:
    """Map examples to one logit each, (n,), for the trick of a name.

    Raises:
        ConfigError: The discriminator gives another number of logits.
    """
    logits = sampler.judge(drawn)
    if len(logits) != len(drawn):
        raise ConfigError(
            f"{name} needs one logit for each sample, "
            f"and the discriminator gave {len(logits)} for {len(drawn)}.",
            "Remove the trick that packs samples: --trick pacgan:off",
        )
    return logits.reshape(len(logits), -1).mean(1)
