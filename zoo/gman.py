# SPDX-License-Identifier: MIT
"""GMAN: several discriminators, of which the generator meets a generalized mean.

Paper: Durugkar, Gemp and Mahadevan, Generative Multi-Adversarial Networks, 2017, arXiv:1611.01673

Each discriminator plays its own game, and costs the generator V_i = -E log D_i(G(z)). The
generator minimizes a mean of the V_i, ``arithmetic``, ``geometric`` or ``harmonic``, with weights
softmax(sharpness * V_i): at sharpness 0 all discriminators count alike, and the higher it is, the
more counts the best of them. A learned sharpness is the generator's to lower, so that it meets an
easier teacher, and is rewarded with 0.001 times its value (the paper's GMAN*).

Departs from the paper: networks and recipe are those of the backbone; V_i is the cost under the
non-saturating loss; the paper's E log(1 - D_i(G(z))), ``--set loss=minimax``, vanishes on digits
before the generator has learned; the discriminators differ in their initial weights alone, not in
dropout, and see the same examples. A learned sharpness has an optimizer of its own, Adam at a rate
of 1e-2: at the generator's rate it would hardly move in trainings as short as ours.
"""

from dataclasses import dataclass, replace
from math import expm1, log
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from ganbench import (
    GAN,
    ConfigError,
    DataSpec,
    Hooks,
    Loss,
    Partner,
    Recipe,
    State,
    Terms,
    Turn,
    adam,
    build_backbone,
    losses,
    register,
)
from ganbench.nn.several import SeveralDiscriminators

Mean = Literal["arithmetic", "geometric", "harmonic"]
REWARD = 0.001
SHARPNESS_OPTIMIZER = adam(1e-2)


class Sharpness(nn.Module):
    """A learned number above zero."""

    def __init__(self, initial: float) -> None:
        super().__init__()
        self.raw = nn.Parameter(torch.tensor(log(expm1(initial))))

    def forward(self) -> Tensor:
        """Return the number, a scalar."""
        return softplus(self.raw)


@dataclass(frozen=True)
class GeneralizedMean(Hooks):
    """Lets the generator minimize a weighted mean of its costs under each discriminator."""

    mean: Mean
    sharpness: float
    learned: bool

    def check(self, gan: GAN, recipe: Recipe, data: DataSpec) -> None:
        """Refuse costs of either sign for a mean of positive numbers.

        Raises:
            ConfigError: The costs of the loss have either sign, and the mean takes one.
        """
        if self.mean != "arithmetic" and gan.loss not in (losses.minimax, losses.non_saturating):
            raise ConfigError(
                f"A {self.mean} mean is one of numbers of one sign, and the costs of the loss "
                f"{gan.loss.name} have either.",
                "Use --set model.mean=arithmetic",
            )

    def wrap_loss(self, loss: Loss, state: State) -> Loss:
        """Replace the mean over all logits by the mean over discriminators."""

        def generator(real: Tensor, fake: Tensor) -> Tensor:
            fakes = fake.unbind(1)
            reals = real.unbind(1) if loss.paired else [real] * len(fakes)
            costs = torch.stack([loss.generator(*pair) for pair in zip(reals, fakes, strict=True)])
            (costs,) = state.group.average([costs])
            return self.aggregate(costs, self.sharpness_in(state))

        return replace(loss, generator=generator)

    def sharpness_in(self, state: State) -> Tensor | float:
        """Return the sharpness, learned or not."""
        return state.partners["sharpness"]() if self.learned else self.sharpness

    def aggregate(self, costs: Tensor, sharpness: Tensor | float) -> Tensor:
        """Return the weighted mean of costs (number,) of one sign, a scalar."""
        weights = (sharpness * costs).softmax(0)
        if self.mean == "geometric":
            return costs[0].sign() * (weights * costs.abs().log()).sum().exp()
        if self.mean == "harmonic":
            return 1 / (weights / costs).sum()
        return (weights * costs).sum()

    def generator_terms(self, turn: Turn) -> Terms:
        """Reward a higher sharpness, where it is learned."""
        if not self.learned:
            return {}
        return {"sharpness": -REWARD * torch.as_tensor(self.sharpness_in(turn.state))}

    def after_step(self, turn: Turn) -> None:
        """Observe the sharpness."""
        if self.learned and turn.role == "generator":
            sharpness = torch.as_tensor(self.sharpness_in(turn.state)).detach()
            turn.state.statistics.add("variant/sharpness", sharpness)


@register
def gman(
    data: DataSpec,
    *,
    backbone: str = "auto",
    discriminators: int = 3,
    mean: Mean = "arithmetic",
    sharpness: float = 1.0,
    learned: bool = True,
) -> GAN:
    """GMAN: several discriminators and a generalized mean of them."""
    if learned and sharpness <= 0:
        raise ConfigError(
            f"A learned sharpness begins above zero, not at {sharpness:g}.",
            "For a fixed one: --set model.learned=false",
        )
    networks = build_backbone(backbone, data)
    learning = Partner(lambda *_: Sharpness(sharpness), optimizer=SHARPNESS_OPTIMIZER)
    return GAN(
        generator=networks.generator,
        discriminator=lambda shape: SeveralDiscriminators(
            [networks.discriminator(shape) for _ in range(discriminators)]
        ),
        partners={"sharpness": learning} if learned else {},
        loss=losses.non_saturating,
        hooks=GeneralizedMean(mean, sharpness, learned),
        recipe=networks.recipe,
    )
