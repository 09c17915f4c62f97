# SPDX-License-Identifier: MIT
"""Several discriminators: the generator meets the mean of networks that learn by themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field
from torch import nn

from ganbench.config import Recipe
from ganbench.errors import ConfigError
from ganbench.gan import GAN, DataSpec, DiscriminatorFactory, Loss, Shape
from ganbench.nn.several import SeveralDiscriminators
from ganbench.registry import register
from ganbench.trick import Trick


@register("several-discriminators")
@dataclass(frozen=True)
class DiscriminatorEnsemble(Trick):
    """Trains several discriminators, which differ in their initial weights.

    Paper: Durugkar, Gemp and Mahadevan, 2017, arXiv:1611.01673

    The loss is a mean over the logits of all of them, so each learns as it would alone, at a rate
    for which the optimizer accounts, and the generator minimizes the mean of its costs: the
    arithmetic mean of the paper, with equal weights. Penalties such as ``r1`` are not taken of each
    alone, but of the gradient of their mean logit, in which opposite slopes cancel. All see the
    same examples; in the authors' code each has its own part of the batch. The model gman has the
    paper's other means. An iteration costs as many times the discriminator as there are.
    """

    order: ClassVar[int] = -1  # before tricks that look into the network
    number: Annotated[int, Field(ge=1)] = 3

    neutral: ClassVar = {"number": 1}

    def check(self, gan: GAN, recipe: Recipe, data: DataSpec) -> None:
        """Refuse a loss in which logits of one discriminator would meet those of another.

        Raises:
            ConfigError: The loss is no mean over logits.
        """
        if self.number > 1:
            require_mean_loss("several-discriminators gives each discriminator", gan.loss)

    def wrap_discriminator(
        self, build: DiscriminatorFactory, data: DataSpec
    ) -> DiscriminatorFactory:
        """Build the discriminator several times."""
        if self.number == 1:
            return build

        def several(shape: Shape) -> nn.Module:
            return SeveralDiscriminators([build(shape) for _ in range(self.number)])

        return several


def require_mean_loss(opening: str, loss: Loss) -> None:
    """Refuse a loss for a trick that gives logits costs of their own.

    Args:
        opening: The name of the trick, and to what it gives a cost.
        loss: The loss.

    Raises:
        ConfigError: The loss is no mean over logits.
    """
    if not loss.mean:
        raise ConfigError(
            f"{opening} a cost of its own, and the loss '{loss.name}' is no mean over logits.",
            "Remove the trick, or choose another loss where the model takes one: "
            "--set loss=non-saturating",
        )
