# SPDX-License-Identifier: MIT
"""Fisher GAN: the critic's difference of means, at a second moment of one.

Paper: Mroueh and Sercu, Fisher GAN, 2017, arXiv:1705.09675

The critic maximizes E D(x) - E D(G(z)) subject to m = 1, where m = E D(x)^2 / 2 + E D(G(z))^2 / 2:
a distance that needs no bound on its slope or its weights. The constraint enters by an augmented
Lagrangian, multiplier (m - 1) + penalty / 2 (m - 1)^2, and the multiplier is raised by penalty
(m - 1) after each update of the critic. Two steps of the critic for one of the generator.

Departs from the paper: networks and recipe are those of the backbone, with no batch normalization
in the critic. The penalty (rho) is 1e-3, because training is fifty times shorter than with the
authors' 1e-6: if the means are d apart at m = 1, a multiplier of d / 2 holds the critic there, and
it takes about d / (6 penalty) updates to rise so high from zero. Until then m is far above one.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ganbench import (
    GAN,
    DataSpec,
    Hooks,
    State,
    Terms,
    TrickState,
    Turn,
    build_backbone,
    losses,
    register,
)


@dataclass(frozen=True)
class SecondMoment(Hooks):
    """Holds the second moment of the critic at one."""

    penalty: float

    def start(self, state: State) -> TrickState:
        """Begin with a multiplier of zero."""
        return {"multiplier": torch.zeros((), device=state.device)}

    def discriminator_terms(self, turn: Turn) -> Terms:
        """Return the two terms of the constraint as one."""
        excess = self._excess(turn)
        multiplier = turn.state.tensor_of(self, "multiplier")
        return {"constraint": multiplier * excess + self.penalty / 2 * excess.square()}

    @torch.no_grad()
    def after_step(self, turn: Turn) -> None:
        """Move the multiplier by the moment that the critic's update was made from."""
        if turn.role == "generator":
            return
        multiplier = turn.state.tensor_of(self, "multiplier")
        multiplier += self.penalty * self._excess(turn)
        turn.state.statistics.add("variant/multiplier", multiplier.clone())

    def _excess(self, turn: Turn) -> Tensor:
        """Return by how much the second moment of the whole batch exceeds one, a scalar."""
        real, fake = turn.real.logits, turn.fake.logits
        moment = (real.square().mean() + fake.square().mean()) / 2
        return turn.state.group.average([moment])[0] - 1


@register
def fisher_gan(data: DataSpec, *, backbone: str = "auto", penalty: float = 1e-3) -> GAN:
    """Fisher GAN: a difference of means at a fixed second moment."""
    networks = build_backbone(backbone, data, batch_norm=False)
    return GAN(
        generator=networks.generator,
        discriminator=networks.discriminator,
        loss=losses.wasserstein,
        hooks=SecondMoment(penalty),
        recipe=networks.recipe.replace(discriminator_steps=2),
    )
