# SPDX-License-Identifier: MIT
"""A U-Net as discriminator: it judges each pixel as well as the whole image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field
from torch import Tensor, nn

from ganbench.config import Recipe
from ganbench.gan import GAN, DataSpec, DiscriminatorFactory, Shape
from ganbench.moving import Number
from ganbench.nn.unet_discriminator import UNetDiscriminator
from ganbench.registry import register
from ganbench.state import State
from ganbench.trick import Terms, Trick, TrickState, refusal
from ganbench.tricks.multi_scale import MultiScale
from ganbench.tricks.projected_discriminator import (
    ProjectedFeatures,
    refuse_special_discriminators,
)
from ganbench.tricks.several_discriminators import DiscriminatorEnsemble, require_mean_loss
from ganbench.turn import Scored, Turn


@register("unet-discriminator")
@dataclass(frozen=True)
class PixelwiseDiscriminator(Trick):
    """Replaces the discriminator with a U-Net, and adds the loss of its logits of pixels.

    Paper: Schonfeld, Schiele and Khoreva, 2020, arXiv:2002.12655

    The logit of an image comes from the inner map, those of its pixels from the U-Net's end; both
    players minimize the loss of the one plus ``pixels`` times that of the others. CutMix, the
    paper's second idea, is left out: the model unet-gan has it. ``width`` is the number of channels
    of the outermost map. The network that it replaces is forgotten, with its normalization; the
    paper's has spectral normalization, which is a trick of its own: ``spectral-norm`` leaves the
    layer of the logits of pixels as it is, as the authors' code does.
    """

    order: ClassVar[int] = -2  # before tricks that change the discriminator
    pixels: Annotated[Number, Field(ge=0)] = 1.0
    width: Annotated[int, Field(ge=1)] = 16

    def check(self, gan: GAN, recipe: Recipe, data: DataSpec) -> None:
        """Refuse data that are not images, and models that need a discriminator of their own.

        Raises:
            ConfigError: The data are of another kind, the discriminator gets more than images, or
                gives more than logits, or the loss is no mean over logits.
        """
        refuse_special_discriminators("unet-discriminator", gan, data)
        require_mean_loss("unet-discriminator gives each pixel", gan.loss)

    def wrap_discriminator(
        self, build: DiscriminatorFactory, data: DataSpec
    ) -> DiscriminatorFactory:
        """Build the U-Net instead."""

        def unet(shape: Shape) -> nn.Module:
            return UNetDiscriminator(shape, width=self.width)

        return unet

    def start(self, state: State) -> TrickState:
        """Refuse tricks that put other discriminators in the place of one, or several.

        Raises:
            ConfigError: There is such a trick.
        """
        others = [
            hooks
            for hooks in state.tricks
            if isinstance(hooks, ProjectedFeatures)
            or (isinstance(hooks, MultiScale) and hooks.scales > 1)
            or (isinstance(hooks, DiscriminatorEnsemble) and hooks.number > 1)
        ]
        if others:
            raise refusal(
                "unet-discriminator",
                others,
                "unet-discriminator reads the logits of pixels of one U-Net, in whose place "
                "{others} puts other discriminators.",
            )
        return {}

    def discriminator_terms(self, turn: Turn) -> Terms:
        """Return the discriminator's loss of pixels, weighted."""
        weight, loss = turn.state.now(self.pixels), turn.state.loss
        real, fake = pixel_logits(turn.real), pixel_logits(turn.fake)
        return {"pixels": weight * loss.discriminator(real, fake)}

    def generator_terms(self, turn: Turn) -> Terms:
        """Return the generator's loss of pixels, weighted."""
        weight, loss = turn.state.now(self.pixels), turn.state.loss
        fake = pixel_logits(turn.fake)
        real = pixel_logits(turn.real) if loss.paired else fake.new_empty(0)
        return {"pixels": weight * loss.generator(real, fake)}


def pixel_logits(scored: Scored) -> Tensor:
    """Return the logits of pixels (B, 1, H, W), which the U-Net gives as extras, in float32."""
    logits: Tensor = scored.extras.float()
    return logits
