# SPDX-License-Identifier: MIT
"""Gumbel-softmax GAN: tokens are drawn from softmax distributions that gradients pass through.

Paper: Kusner and Hernandez-Lobato, GANs for Sequences of Discrete Elements with the Gumbel-softmax Distribution, 2016, arXiv:1611.04051

A token is the argmax of log-odds and Gumbel noise; the softmax of their sum, divided by a
temperature, stands in for it, so that the discriminator's gradient reaches the generator. The
temperature falls from 5 to 1 along a straight line over training, toward tokens that are closer to
one-hot. ``--set 'model.temperature=5->0.5'`` changes its course; a plain number stays.
``straight_through`` shows the discriminator one-hot tokens, with the gradient of the relaxed ones.

Departs from the paper: residual convolutions along the whole sequence (arXiv:1704.00028) in place
of LSTMs that emit one token at a time; R1 keeps the discriminator flat at the one-hot data.
"""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from ganbench import (
    GAN,
    ConfigError,
    DataSpec,
    Hooks,
    Moving,
    Number,
    Recipe,
    State,
    TrickState,
    Turn,
    adam,
    losses,
    register,
)
from ganbench.nn.tokens import TokenDiscriminator, TokenGenerator
from ganbench.tricks.r1 import R1

FROM_5_TO_1 = Moving(5, 1, shape="linear")


@dataclass(frozen=True)
class Cooling(Hooks):
    """Sets the generator's temperature to its value of the moment."""

    temperature: Number

    def start(self, state: State) -> TrickState:
        """Set the temperature of the first update, also after a run that had another one."""
        self._set(state)
        return {}

    def after_step(self, turn: Turn) -> None:
        """Set the temperature of the next update."""
        self._set(turn.state)

    def _set(self, state: State) -> None:
        state.generator.get_buffer("temperature").fill_(state.now(self.temperature))


@register
def gumbel_softmax_gan(
    data: DataSpec,
    *,
    temperature: Annotated[Number, Field(gt=0)] = FROM_5_TO_1,
    straight_through: bool = False,
    width: int = 64,
) -> GAN:
    """Gumbel-softmax GAN: relaxed tokens for short texts."""
    if data.alphabet is None:
        raise ConfigError(
            f"gumbel-softmax-gan draws text, and {data.name} has no alphabet.",
            "Text is 'sequences' in an npz file, integers (N, L), with their 'alphabet'.",
        )
    text = str(temperature)  # which is how a number that moves is recorded, and reaches a model
    course = Moving.parse(text) if "->" in text else float(text)
    return GAN(
        generator=lambda latent_dim: TokenGenerator(
            latent_dim,
            data.shape,
            temperature=course.start if isinstance(course, Moving) else course,
            straight_through=straight_through,
            width=width,
        ),
        discriminator=lambda shape: TokenDiscriminator(shape, width=width),
        loss=losses.non_saturating,
        hooks=Cooling(course),
        tricks=[R1(weight=1.0)],
        recipe=Recipe(
            kimg=640,
            batch_size=64,
            latent_dim=64,
            generator_optimizer=adam(2e-4, (0.5, 0.999)),
            discriminator_optimizer=adam(2e-4, (0.5, 0.999)),
        ),
    )
