# SPDX-License-Identifier: MIT
"""Core-set batches: each batch covers what a batch several times as large would."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from ganbench.errors import ConfigError
from ganbench.gan import Batch
from ganbench.registry import register
from ganbench.state import State
from ganbench.trick import StepRule, Trick, TrickState, refusal
from ganbench.tricks.instance_selection import reduced
from ganbench.turn import Turn


@register("coreset-batches")
@dataclass(frozen=True)
class CoresetBatches(Trick):
    """Draws several times as many latents and real examples, and keeps those that cover them best.

    Paper: Sinha et al., 2020, arXiv:1910.13540

    Of ``prior`` times as many latents and of ``data`` times as many real examples a core-set of the
    size of the batch is kept: begun with the first, it is given the one that is farthest from all
    it has, again and again. Distances are Euclidean, in the paper between Inception's features of
    images at random projections; here between the examples themselves, images averaged down to at
    most 16 by 16 pixels. Only what is kept counts as seen.
    """

    order: ClassVar[int] = -1  # latents are chosen before other tricks change them
    prior: Annotated[int, Field(ge=1)] = 4
    data: Annotated[int, Field(ge=1)] = 4

    neutral: ClassVar = {"prior": 1, "data": 1}

    def check_parts(self, part: int, processes: int) -> None:
        """Refuse several processes: core-sets of parts do not cover the whole as one would.

        Raises:
            ConfigError: Several processes share a batch.
        """
        if (self.prior, self.data) != (1, 1):
            raise ConfigError(
                f"coreset-batches chooses a whole batch, which {processes} processes share.",
                "Remove the trick, or start the run without torchrun.",
            )

    def start(self, state: State) -> TrickState:
        """Refuse other orders of the updates, which would draw batches as usual.

        Raises:
            ConfigError: A trick replaces the order of the updates.
        """
        others = [hooks for hooks in state.tricks.having("step_rule") if hooks is not self]
        if others and self.data > 1:
            raise refusal(
                "coreset-batches",
                others,
                "coreset-batches draws the batches of an iteration, whose order {others} replaces.",
            )
        return {}

    def step_rule(self, rule: StepRule) -> StepRule:
        """Choose the real examples of each batch among several batches."""

        def choosing(state: State, next_batch: Callable[[], Batch]) -> None:
            rule(state, lambda: self._chosen(state, next_batch))

        return choosing if self.data > 1 else rule

    def _chosen(self, state: State, next_batch: Callable[[], Batch]) -> Batch:
        """Return the core-set of the next batches, and count as many examples as it has as seen."""
        seen = state.images_seen
        # Batches are found by the number of examples seen: so each is a candidate once.
        state.images_seen = self.data * seen
        candidates = [next_batch() for _ in range(self.data)]
        state.images_seen //= self.data
        joined = Batch.join(candidates)
        return joined.take(core_set(reduced(joined.images), len(candidates[0])))

    def latents(self, latents: Tensor, turn: Turn) -> Tensor:
        """Choose latents (B, latent_dim) among these and further ones."""
        if self.prior == 1:
            return latents
        further = turn.state.prior((self.prior - 1) * len(latents), turn.random(self))
        candidates = torch.cat([latents, further])
        return candidates[core_set(candidates, len(latents))]


@torch.no_grad()
def core_set(points: Tensor, count: int) -> Tensor:
    """Return the indices (count,) of points (N, values) that cover all of them, by greed.

    The first point is taken first, then the one farthest from those taken (Gonzalez, 1985). The
    indices ascend: in the order of the greed the outliers would come first, and what takes a part
    of a batch takes the first examples.
    """
    nearest = torch.full((len(points),), torch.inf, device=points.device)
    chosen = torch.zeros(count, dtype=torch.int64, device=points.device)
    for place in range(count):
        if place:
            chosen[place] = nearest.argmax()
        distances = (points - points[chosen[place]]).square().sum(1)
        nearest = torch.minimum(nearest, distances)
        nearest[chosen[place]] = -1.0  # no point comes twice, even among equals
    return chosen.sort().values
