# SPDX-License-Identifier: MIT
"""APA: the discriminator takes some fakes for real, the more of them the more it overfits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import torch
from pydantic import Field

from ganbench.gan import Batch
from ganbench.registry import register
from ganbench.state import State
from ganbench.trick import Trick, TrickState
from ganbench.tricks.ada import follow_signs
from ganbench.turn import Turn


@register("apa")
@dataclass(frozen=True)
class APA(Trick):
    """Replaces each real example with a fake, with a probability p that is controlled as in ADA.

    Paper: Jiang, Dai, Wu and Loy, 2021, arXiv:2111.06849

    ``p <- clip(p + sign(r - target) * n / (1000 * speed_kimg), 0, 1)`` after every ``every``
    updates of the discriminator, with ``r = E sign(D(x))`` over what it took for real in them, and
    the number n of real examples shown for them. The sign tells real from fake where the loss has
    its boundary at a logit of 0. ``target`` is 0.6, ``speed_kimg`` 500; p starts at ``initial``.
    The fakes are drawn for this trick alone, with the conditions of the examples that they replace;
    in the authors' code they are those of the generator's last update.
    """

    target: Annotated[float, Field(ge=-1, le=1)] = 0.6
    speed_kimg: Annotated[float, Field(gt=0)] = 500.0
    every: Annotated[int, Field(ge=1)] = 4
    initial: Annotated[float, Field(ge=0, le=1)] = 0.0

    neutral: ClassVar = {"target": 1.0, "initial": 0.0}
    needs_ordered_logits: ClassVar = True

    def start(self, state: State) -> TrickState:
        """Start with the initial probability, and no signs."""
        return {
            "p": torch.tensor(self.initial, device=state.device),
            "signs": torch.tensor(0.0, device=state.device),
        }

    @torch.no_grad()
    def reals(self, batch: Batch, turn: Turn) -> Batch:
        """Replace some of the real examples with fakes."""
        p = turn.state.tensor_of(self, "p")
        if not p.any():
            return batch
        stream = turn.random(self)
        size = (len(batch), *[1] * (batch.images.ndim - 1))
        replaced = torch.rand(size, generator=stream, device=stream.device) < p
        fakes, _ = turn.make(turn.state.prior(len(batch), stream), turn.condition)
        return replace(batch, images=torch.where(replaced, fakes, batch.images))

    @torch.no_grad()
    def after_step(self, turn: Turn) -> None:
        """Note the signs of the logits of what was taken for real, and move the probability."""
        if turn.role == "discriminator":
            follow_signs(
                self, turn, target=self.target, speed_kimg=self.speed_kimg, every=self.every
            )
