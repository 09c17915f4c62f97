# SPDX-License-Identifier: MIT
"""bCR: the discriminator says the same of an image and of its augmented copy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from ganbench.config import Recipe
from ganbench.errors import ConfigError
from ganbench.gan import GAN, DataSpec
from ganbench.moving import Number
from ganbench.registry import register
from ganbench.trick import Terms, Trick
from ganbench.tricks.diffaugment import translate
from ganbench.turn import Turn


@register("bcr")
@dataclass(frozen=True)
class BCR(Trick):
    """Penalizes differences between the logits of images and of augmented images, real and fake.

    Paper: Zhao et al., 2021, arXiv:2002.04724

    Adds ``real * E |D(x) - D(T(x))|^2 + fake * E |D(G(z)) - D(T(G(z)))|^2`` to the discriminator's
    loss; T draws for each image a ``translation`` by whole pixels, up to this share of the size and
    filled with gray, and with ``flip`` a reflection from left to right with probability 1/2. Both
    weights are 10 in the paper, the translation is 4 of 32 pixels, and its images are flipped;
    ``fake`` 0 gives consistency regularization (CR, arXiv:1910.12027). The generator learns from
    images that are not augmented.
    """

    real: Annotated[Number, Field(ge=0)] = 10.0
    fake: Annotated[Number, Field(ge=0)] = 10.0
    translation: Annotated[float, Field(ge=0, lt=1)] = 0.125
    flip: bool = False

    neutral: ClassVar = {"real": 0.0, "fake": 0.0}

    def check(self, gan: GAN, recipe: Recipe, data: DataSpec) -> None:
        """Refuse data that are not images.

        Raises:
            ConfigError: The data are of another kind.
        """
        if not data.is_image:
            raise ConfigError(
                f"bcr augments images, and {data.name} has {data.plural} of {data.size} numbers.",
                "Remove the trick, or choose images: ganbench ls datasets",
            )

    def discriminator_terms(self, turn: Turn) -> Terms:
        """Return a term for each kind of images whose weight is not zero."""
        terms = {}
        for name, number in (("real", self.real), ("fake", self.fake)):
            if weight := turn.state.now(number):
                scored = turn.real if name == "real" else turn.fake
                images = self.augment(scored.images, turn.random(self))
                augmented = turn.judge(images, scored.seen.condition)
                distance = (scored.logits - augmented.logits).square().mean()
                terms[name] = weight * distance
        return terms

    def augment(self, images: Tensor, stream: torch.Generator) -> Tensor:
        """Return images (B, C, H, W) after changes that are drawn from a random stream."""

        def uniform() -> Tensor:
            size = (len(images), 1, 1, 1)
            return torch.rand(size, generator=stream, device=images.device, dtype=images.dtype)

        if self.flip:
            images = torch.where(uniform() < 0.5, images.flip(3), images)
        return translate(images, self.translation, uniform) if self.translation else images
