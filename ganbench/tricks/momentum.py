# SPDX-License-Identifier: MIT
"""Momentum that may be zero or negative: what GANs rarely need is more of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field
from torch.optim import Optimizer

from ganbench.config import Recipe
from ganbench.errors import ConfigError
from ganbench.gan import GAN, DataSpec, Role
from ganbench.registry import register
from ganbench.state import State
from ganbench.trick import Trick


@register("momentum")
@dataclass(frozen=True)
class Momentum(Trick):
    """Sets the momentum of the discriminator's optimizer, or of both: negative, or none.

    Paper: Gidel et al., 2019, arXiv:1807.04740

    ``beta`` is Adam's beta1, ``m <- beta * m + (1 - beta) * g``, or SGD's momentum,
    ``v <- beta * v + g``, whatever the recipe says. Below zero it damps the rotation of
    alternating updates, which positive momentum feeds. At 0, Adam follows the last gradient alone,
    as WGAN-GP, SAGAN and BigGAN do (arXiv:1704.00028, 1805.08318, 1809.11096), with both
    ``players``. The authors' code has -0.5 for the discriminator, and 0.5 for the generator.
    """

    beta: Annotated[float, Field(gt=-1, lt=1)] = -0.5
    players: Literal["discriminator", "both"] = "discriminator"

    def check(self, gan: GAN, recipe: Recipe, data: DataSpec) -> None:
        """Refuse RMSprop, which knows no momentum below zero.

        Raises:
            ConfigError: The optimizer of a player that gets the momentum is RMSprop.
        """
        kinds: dict[Role, str] = {
            "generator": recipe.generator_optimizer.kind,
            "discriminator": recipe.discriminator_optimizer.kind,
        }
        if any(kind == "rmsprop" and self._moves(role) for role, kind in kinds.items()):
            raise ConfigError(
                "momentum sets the momentum of Adam or SGD, and a player of this recipe moves by "
                "RMSprop.",
                "Remove the trick, or choose another optimizer: --set "
                "recipe.discriminator_optimizer.kind=adam --set "
                "recipe.generator_optimizer.kind=adam",
            )

    def optimizer(self, optimizer: Optimizer, role: Role, state: State) -> Optimizer:
        """Set the momentum; only the constructors of torch's optimizers refuse negative values."""
        for group in optimizer.param_groups if self._moves(role) else ():
            if "betas" in group:
                group["betas"] = (self.beta, group["betas"][1])
            else:
                group["momentum"] = self.beta
        return optimizer

    def _moves(self, role: Role) -> bool:
        """Tell whether a player gets the momentum."""
        return self.players in ("both", role)
