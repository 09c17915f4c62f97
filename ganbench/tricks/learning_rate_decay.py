# SPDX-License-Identifier: MIT
"""Learning-rate decay: both players come to rest at the end of training."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field
from torch.optim import Optimizer

from ganbench.config import Recipe
from ganbench.errors import ConfigError
from ganbench.gan import GAN, DataSpec, Role
from ganbench.moving import Moving
from ganbench.registry import register
from ganbench.state import State
from ganbench.trick import Trick


@register("learning-rate-decay")
@dataclass(frozen=True)
class LearningRateDecay(Trick):
    """Lets both players' learning rates fall over training, in place of the recipe's schedule.

    Paper: Loshchilov and Hutter, 2017, arXiv:1608.03983

    ``rate * (final + (1 - final) * s(t))``, with the share t of the images of training that were
    seen: ``s = (1 + cos(pi t)) / 2`` for ``cosine``, the paper's formula without restarts, and
    ``s = 1 - t`` for ``linear``. ``final`` is the share of the rate that remains at the end; at 1
    the rate is constant.
    """

    shape: Literal["cosine", "linear"] = "cosine"
    final: Annotated[float, Field(ge=0, le=1)] = 0.0

    def check(self, gan: GAN, recipe: Recipe, data: DataSpec) -> None:
        """Refuse learning rates that move by themselves.

        Raises:
            ConfigError: A player's learning rate moves by itself.
        """
        for spec in (recipe.generator_optimizer, recipe.discriminator_optimizer):
            if isinstance(spec.learning_rate, Moving):
                raise ConfigError(
                    "learning-rate-decay would move a learning rate that moves by itself: "
                    f"{spec.learning_rate}.",
                    "Remove the trick, or give the recipe a plain rate: "
                    "--trick learning-rate-decay:off",
                )

    def optimizer(self, optimizer: Optimizer, role: Role, state: State) -> Optimizer:
        """Set the rate that is due before each step of the optimizer."""

        def decay(moving: Optimizer, args: Any, options: Any) -> None:
            share = self.share(state)
            for group in moving.param_groups:
                if not isinstance(group["initial_lr"], str):  # a partner's rate may move by itself
                    group["lr"] = group["initial_lr"] * share

        optimizer.register_step_pre_hook(decay)
        return optimizer

    def share(self, state: State) -> float:
        """Return the share of the initial learning rate that is due."""
        progress = min(1.0, state.images_seen / (1000 * state.recipe.kimg))
        linear = self.shape == "linear"
        remaining = 1.0 - progress if linear else 0.5 * (1.0 + math.cos(math.pi * progress))
        return self.final + (1.0 - self.final) * remaining
