# SPDX-License-Identifier: MIT
"""bCR: the discriminator gives an image and its augmented copy the same logit."""

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
from ganbench.trick import Terms, Trick, overridden_hooks
from ganbench.tricks.diffaugment import refuse_further_images, refuse_sources, translate
from ganbench.turn import Scored, Turn


@register("bcr")
@dataclass(frozen=True)
class BCR(Trick):
    """Penalizes differences between the logits of images and of augmented images, real and fake.

    Paper: Zhao et al., 2021, arXiv:2002.04724

    Adds ``real * E |D(x) - D(T(x))|^2 + fake * E |D(G(z)) - D(T(G(z)))|^2`` to the discriminator's
    loss; T draws for each image a ``translation`` by whole pixels, up to this share of the size,
    and with ``flip`` a reflection from left to right with probability 1/2. Beyond its border an
    image goes on as in a mirror, since a gray margin would be an object that only augmented images
    have. Both weights are 10 in the paper, the translation is 4 of 32 pixels, and its images are
    flipped; ``fake`` 0 gives consistency regularization (CR, arXiv:1910.12027). The generator
    learns from images that are not augmented.
    """

    real: Annotated[Number, Field(ge=0)] = 10.0
    fake: Annotated[Number, Field(ge=0)] = 10.0
    translation: Annotated[float, Field(ge=0, lt=1)] = 0.125
    flip: bool = False

    neutral: ClassVar = {"real": 0.0, "fake": 0.0}

    def check(self, gan: GAN, recipe: Recipe, data: DataSpec) -> None:
        """Refuse data that are not images, and images that are made from other images.

        Raises:
            ConfigError: The data are of another kind, or the model gets a source for each image.
        """
        if not data.is_image:
            raise ConfigError(
                f"bcr augments images, and {data.name} has {data.plural} of {data.size} numbers.",
                "Remove the trick, or choose images: ganbench ls datasets",
            )
        refuse_sources("bcr", gan)

    def discriminator_terms(self, turn: Turn) -> Terms:
        """Return a term for each kind of images whose weight is not zero.

        Raises:
            ConfigError: The model shows the discriminator several images of each example, or
                changes them at random.
        """
        terms = {}
        for name, number in (("real", self.real), ("fake", self.fake)):
            if weight := turn.state.now(number):
                scored = turn.real if name == "real" else turn.fake
                refuse_further_images("bcr", scored.seen.condition)
                images = self.augment(scored.images, turn.random(self))
                distance = (scored.logits - self._judge(images, scored, turn)).square().mean()
                terms[name] = weight * distance
        return terms

    def _judge(self, images: Tensor, original: Scored, turn: Turn) -> Tensor:
        """Return the logits (B, ...) of augmented images that are shown as the originals are."""
        judged = turn.judge(images, original.seen.condition)
        variant = turn.state.tricks.variant
        if variant is None or "see" not in overridden_hooks(variant):
            return judged.logits
        stream = turn.random(variant)
        before = stream.get_state()
        logits = judged.logits  # here the model shows the images
        if not torch.equal(stream.get_state(), before):
            raise ConfigError(
                "bcr compares images with augmented copies, and this model changes at random what "
                "its discriminator is shown, so the two would differ anyway.",
                "Remove the trick: --trick bcr:off",
            )
        return logits

    def augment(self, images: Tensor, stream: torch.Generator) -> Tensor:
        """Return images (B, C, H, W) after changes that are drawn from a random stream."""

        def uniform() -> Tensor:
            size = (len(images), 1, 1, 1)
            return torch.rand(size, generator=stream, device=images.device, dtype=images.dtype)

        if self.flip:
            images = torch.where(uniform() < 0.5, images.flip(3), images)
        if not self.translation:
            return images
        return translate(images, self.translation, uniform, mirror=True)
