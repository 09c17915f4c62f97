# SPDX-License-Identifier: MIT
"""One-sided label smoothing: a discriminator that is never quite sure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from ganbench.config import Recipe
from ganbench.errors import ConfigError
from ganbench.gan import GAN, DataSpec, LogitCost, Loss
from ganbench.moving import Moving, Number
from ganbench.registry import register
from ganbench.state import State
from ganbench.trick import Trick


@register("label-smoothing")
@dataclass(frozen=True)
class LabelSmoothing(Trick):
    """Replaces the discriminator's target for real examples, 1, with a smaller one.

    Paper: Salimans et al., 2016, arXiv:1606.03498

    A logit with target t costs ``t * (its cost as real) + (1 - t) * (its cost as fake)``: for the
    logistic loss this is the cross-entropy with a soft label, for least squares a moved target.
    ``real`` is the target of real examples, usually 0.9; ``fake`` is the target of fakes, which
    the paper leaves at 0 (one-sided). The generator's loss stays as it is.
    """

    real: Annotated[Number, Field(ge=0, le=1)] = 0.9
    fake: Annotated[Number, Field(ge=0, le=1)] = 0.0

    neutral: ClassVar = {"real": 1.0, "fake": 0.0}

    def check(self, gan: GAN, recipe: Recipe, data: DataSpec) -> None:
        """Refuse a loss without targets: one that compares logits, or a critic's.

        Raises:
            ConfigError: The loss has no target for each logit.
        """
        _costs(gan.loss)

    def wrap_loss(self, loss: Loss, state: State) -> Loss:
        """Return the loss with soft targets in the discriminator's part."""
        real_part, fake_part = _costs(loss)

        def cost(logits: Tensor, number: float | Moving) -> Tensor:
            target = state.now(number)
            return target * real_part(logits) + (1 - target) * fake_part(logits)

        return replace(
            loss,
            discriminator=lambda r, f: cost(r, self.real).mean() + cost(f, self.fake).mean(),
            real_part=lambda r: cost(r, self.real),
            fake_part=lambda f: cost(f, self.fake),
        )


def _costs(loss: Loss) -> tuple[LogitCost, LogitCost]:
    """Return the cost of logits as real and their cost as fake.

    Raises:
        ConfigError: The loss has no such parts, or they have no targets.
    """
    real_part, fake_part = loss.real_part, loss.fake_part
    if real_part is not None and fake_part is not None:
        logits = torch.tensor([-2.0, 0.5, 3.0])
        if not torch.equal(real_part(logits), -fake_part(logits)):
            return real_part, fake_part
    # A critic has no targets: with unequal shares its loss would fall for ever as all logits move.
    raise ConfigError(
        f"label-smoothing needs a loss with a target for each logit, not '{loss.name}'.",
        "Remove the trick, or choose another loss where the model takes one: "
        "--set loss=non-saturating",
    )
