# SPDX-License-Identifier: MIT
"""Feature matching: generated examples have the mean features of real ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

from pydantic import Field

from ganbench.gan import Loss
from ganbench.moving import Number
from ganbench.nn.last_layer import last_layer
from ganbench.registry import register
from ganbench.state import State
from ganbench.trick import Terms, Trick, TrickState
from ganbench.turn import Turn


@register("feature-matching")
@dataclass(frozen=True)
class FeatureMatching(Trick):
    """Lets the generator match the means of the discriminator's features.

    Paper: Salimans et al., 2016, arXiv:1606.03498

    The generator minimizes ``weight * |E f(x) - E f(G(z))|^2 + adversarial * (its own loss)``. The
    features f are what enters the last layer of the discriminator; the means are over the batch.
    In the paper this objective takes the place of the generator's loss: ``adversarial`` is 0.
    It costs a pass of the real examples through the discriminator.
    """

    weight: Annotated[Number, Field(ge=0)] = 1.0
    adversarial: Annotated[Number, Field(ge=0)] = 0.0

    neutral: ClassVar = {"weight": 0.0, "adversarial": 1.0}

    def start(self, state: State) -> TrickState:
        """Watch the last layer of the discriminator.

        Raises:
            ConfigError: No single layer computes the logits.
        """
        state.watch(self, last_layer(state.discriminator, "feature-matching")[1])
        return {}

    def wrap_loss(self, loss: Loss, state: State) -> Loss:
        """Weigh the generator's own loss."""
        if self.adversarial == 1:
            return loss
        return replace(
            loss, generator=lambda r, f: state.now(self.adversarial) * loss.generator(r, f)
        )

    def generator_terms(self, turn: Turn) -> Terms:
        """Return the squared distance of the means, or nothing at a weight of zero."""
        weight = turn.state.now(self.weight)
        if not weight:
            return {}
        means = [scored.noted(self)[0].mean(0) for scored in (turn.real, turn.fake)]
        # Over all processes, because a square of means is not the mean of squares.
        real, fake = turn.state.group.average(means)
        return {"distance": weight * (real.detach() - fake).square().sum()}
