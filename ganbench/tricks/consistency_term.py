# SPDX-License-Identifier: MIT
"""CT-GAN's consistency term: the critic says the same of real examples under two dropouts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from ganbench.moving import Number
from ganbench.nn.last_layer import WEIGHTED, last_layer, weight_of
from ganbench.registry import register
from ganbench.state import State
from ganbench.trick import Terms, Trick, TrickState
from ganbench.turn import Turn

_FEATURES = 0.1
"""The weight of the features next to that of the logits."""


@register("consistency-term")
@dataclass(frozen=True)
class ConsistencyTerm(Trick):
    """Gives the discriminator dropout, and penalizes how much it changes what real examples get.

    Paper: Wei, Gong, Liu, Lu and Wang, 2018, arXiv:1803.01541

    Adds ``E max(0, weight * (|D(x') - D(x'')|^2 + 0.1 |f(x') - f(x'')|^2) - margin)`` to the
    discriminator's loss, as in the authors' code: x' and x'' are two passes of a real example with
    their own dropout; f, what enters the last layer, counts by its mean square. ``weight``
    (lambda_2) is 2, and ``margin`` (M') 0. The ``dropout``, 0.5 in the paper's networks for MNIST,
    is at the input of each layer but those of the example itself, in every pass. The paper adds the
    term to WGAN-GP. It costs another pass through the discriminator.
    """

    weight: Annotated[Number, Field(ge=0)] = 2.0
    margin: Annotated[float, Field(ge=0)] = 0.0
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.5

    neutral: ClassVar = {"weight": 0.0, "dropout": 0.0}

    def start(self, state: State) -> TrickState:
        """Give the discriminator dropout, and watch its last layer.

        Raises:
            ConfigError: No single layer computes the logits.
        """
        state.watch(self, last_layer(state.discriminator, "consistency-term")[1])
        layers = [layer for layer in state.discriminator.modules() if isinstance(layer, WEIGHTED)]
        # Layers of the example itself have as many inputs as the first layer.
        inputs = weight_of(layers[0]).shape[1]
        for layer in layers:
            if self.dropout and weight_of(layer).shape[1] != inputs:
                layer.register_forward_pre_hook(partial(self._dropped, state))
        return {}

    def _dropped(
        self, state: State, layer: nn.Module, inputs: tuple[Tensor, ...]
    ) -> tuple[Tensor, ...]:
        """Return the inputs of a layer with dropout, in training mode."""
        if not layer.training:
            return inputs
        values, stream = inputs[0], state.streams["trick/consistency-term"]
        kept = torch.rand(values.shape, generator=stream, device=values.device) >= self.dropout
        return (values * kept / (1 - self.dropout), *inputs[1:])

    def discriminator_terms(self, turn: Turn) -> Terms:
        """Return the term, or nothing at a weight of zero."""
        weight = turn.state.now(self.weight)
        if not weight:
            return {}
        first, second = turn.real, turn.again(turn.real)
        logits = _mean_square(first.logits - second.logits)
        features = _mean_square(first.noted(self)[0] - second.noted(self)[0])
        excess = weight * (logits + _FEATURES * features) - self.margin
        return {"change": excess.relu().mean()}


def _mean_square(differences: Tensor) -> Tensor:
    """Return the mean square of each example's values (B, ...), as (B,)."""
    return differences.square().reshape(len(differences), -1).mean(1)
