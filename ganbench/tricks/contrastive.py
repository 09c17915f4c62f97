# SPDX-License-Identifier: MIT
"""Contrast between classes: examples lie near their class on a sphere, and apart from others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import normalize

from ganbench.config import Recipe
from ganbench.errors import ConfigError
from ganbench.gan import GAN, DataSpec, DiscriminatorFactory, Shape
from ganbench.moving import Number
from ganbench.nn.last_layer import WithHead, head_of, join_last_layer
from ganbench.registry import register
from ganbench.state import State
from ganbench.trick import Terms, Trick, TrickState
from ganbench.turn import Scored, Turn


@register("contrastive")
@dataclass(frozen=True)
class Contrastive(Trick):
    """Adds ContraGAN's conditional contrastive loss (2C) to both players' losses.

    Paper: Kang and Park, 2020, arXiv:2006.12681

    A second head on the features places an example on a sphere of ``size`` coordinates, next to a
    vector for each class. ``weight`` times 2C, as ``class_contrast`` computes it, is added to the
    discriminator's loss for real examples, and to the generator's for its own. ``weight`` (lambda)
    and ``temperature`` are 1, as in the model contragan.
    """

    weight: Annotated[Number, Field(ge=0)] = 1.0
    temperature: Annotated[float, Field(gt=0)] = 1.0
    size: Annotated[int, Field(ge=1)] = 128

    neutral: ClassVar = {"weight": 0.0}

    def check(self, gan: GAN, recipe: Recipe, data: DataSpec) -> None:
        """Refuse models that do not draw examples of a class.

        Raises:
            ConfigError: The model takes no labels.
        """
        if gan.conditional is not True:
            raise ConfigError(
                "contrastive places examples near their class, and this model draws examples of "
                "no class in particular.",
                "Remove the trick, or choose a model with labels, such as cgan.",
            )

    def wrap_discriminator(
        self, build: DiscriminatorFactory, data: DataSpec
    ) -> DiscriminatorFactory:
        """Give the discriminator a second head, and a vector for each class."""
        if self.weight == 0:
            return build

        def join(layer: nn.Module) -> nn.Module:
            return WithHead(layer, self.size, "contrastive", classes=data.classes)

        def joined(shape: Shape) -> nn.Module:
            return join_last_layer(build(shape), "contrastive", join)

        return joined

    def start(self, state: State) -> TrickState:
        """Watch the second head."""
        if self.weight != 0:
            state.watch(self, head_of(state.discriminator, "contrastive"))
        return {}

    def discriminator_terms(self, turn: Turn) -> Terms:
        """Place real examples near their class and near each other; nothing at a weight of zero."""
        return self._terms(turn.real, turn) if turn.state.now(self.weight) else {}

    def generator_terms(self, turn: Turn) -> Terms:
        """Make examples that are placed so; nothing at a weight of zero."""
        return self._terms(turn.fake, turn) if turn.state.now(self.weight) else {}

    def _terms(self, scored: Scored, turn: Turn) -> Terms:
        """Return the loss of examples, over the batch of all processes."""
        gather = turn.state.group.gather
        places, classes = (normalize(each) for each in scored.noted(self))
        assert scored.batch.labels is not None
        labels = gather(scored.batch.labels).flatten()
        places = gather(places).flatten(0, 1)
        contrast = class_contrast(places, classes[labels], labels, temperature=self.temperature)
        return {"contrast": turn.state.now(self.weight) * contrast}


def class_contrast(
    places: Tensor, classes: Tensor, labels: Tensor, *, temperature: float
) -> Tensor:
    """Return the mean 2C loss of examples (arXiv:2006.12681, equation 8), a scalar.

    That of an example is -log of a quotient: above, exp of its cosines with its class and with the
    other examples of it, divided by the temperature; below, the same for all other examples.

    Args:
        places: Unit vectors of the examples (B, size).
        classes: Unit vectors of their classes (B, size).
        labels: The classes (B,) int64.
        temperature: What cosines are divided by.
    """
    to_class = (places * classes).sum(1, keepdim=True) / temperature  # (B, 1)
    to_others = places @ places.T / temperature  # (B, B)
    itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    to_others = to_others.masked_fill(itself, -torch.inf)
    alike = to_others.masked_fill(labels != labels[:, None], -torch.inf)
    above, below = (torch.cat([to_class, part], 1).logsumexp(1) for part in (alike, to_others))
    return (below - above).mean()
