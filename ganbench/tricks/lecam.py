# SPDX-License-Identifier: MIT
"""LeCam: logits of real examples near the running mean for fakes, and the reverse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from pydantic import Field

from ganbench.moving import Number
from ganbench.registry import register
from ganbench.state import State
from ganbench.trick import Terms, Trick, TrickState
from ganbench.turn import Turn


@register("lecam")
@dataclass(frozen=True)
class LeCam(Trick):
    """Penalizes logits of real examples above an anchor of fake logits, and the other way around.

    Paper: Tseng et al., 2021, arXiv:2104.03310

    Adds ``weight * (E relu(D(x) - a_F)^2 + E relu(a_R - D(G(z)))^2)`` to the discriminator's loss.
    The anchors a_R and a_F are moving averages of its logits for real and for fake examples,
    ``a <- decay * a + (1 - decay) * E D``, and are constants of the penalty. They begin with the
    logits of the first update with the trick, so there is no penalty in that update; the authors'
    BigGAN begins after a thousand. ``weight`` (lambda) is 0.01 to 0.3 with the hinge loss, and
    ``decay`` 0.99. With logistic losses 0.3 keeps the means of real and fake logits within about
    0.7 of each other; the authors' scripts for StyleGAN2 have 1e-6 and less. The rectifiers are
    those of the authors' code; the paper's formula has none.
    """

    weight: Annotated[Number, Field(ge=0)] = 0.3
    decay: Annotated[float, Field(ge=0, lt=1)] = 0.99

    neutral: ClassVar = {"weight": 0.0}
    needs_ordered_logits: ClassVar = True

    def start(self, state: State) -> TrickState:
        """Make room for the anchors, and for whether they have begun: 0 or 1."""
        return {name: torch.zeros((), device=state.device) for name in ("real", "fake", "begun")}

    def discriminator_terms(self, turn: Turn) -> Terms:
        """Return the penalty, zero in the first update; nothing at a weight of zero."""
        state = turn.state
        weight = state.now(self.weight)
        if not weight:
            return {}
        above = (turn.real.logits - state.tensor_of(self, "fake")).relu().square().mean()
        below = (state.tensor_of(self, "real") - turn.fake.logits).relu().square().mean()
        return {"penalty": weight * state.tensor_of(self, "begun") * (above + below)}

    @torch.no_grad()
    def after_step(self, turn: Turn) -> None:
        """Move the anchors toward the logits that the update was made from."""
        if turn.role != "discriminator":
            return
        state = turn.state
        means = [turn.real.logits.mean(), turn.fake.logits.mean()]
        begun = state.tensor_of(self, "begun")
        share = begun * (1.0 - self.decay) + (1.0 - begun)  # all of the first logits
        for name, mean in zip(("real", "fake"), state.group.average(means), strict=True):
            anchor = state.tensor_of(self, name)
            anchor.lerp_(mean.to(anchor), share)
        begun.fill_(1.0)
