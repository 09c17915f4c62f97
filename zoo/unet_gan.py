# SPDX-License-Identifier: MIT
"""U-Net GAN: the discriminator judges each pixel as well as the whole image.

Paper: Schonfeld et al., A U-Net Based Discriminator for Generative Adversarial Networks, 2020, arXiv:2002.12655

The logit of an image comes from the inner map, those of its pixels from the U-Net's end; both
players minimize the loss of both. CutMix: a box of each real image, or all around it, is replaced
by a generated one's. Such an image counts as fake, its pixels by where they come from; and what is
said of its pixels is to be what was said of them before they were mixed: the mean square of
``D(mix(x, G(z))) - mix(D(x), D(G(z)))``. The weight of these three terms rises from 0 to
``cutmix`` over the first half of training.

Every layer of the discriminator is spectrally normalized except the last one, which gives the logits
of pixels, as in the authors' code.

Departs from the paper: FastGAN's generator, and residual blocks without attention in the
discriminator, where the paper has BigGAN's networks; images are mixed in each update, at a weight
that rises, where the paper replaces whole batches by mixed ones, ever more often, up to every
second; all terms weigh 1, where the authors' code halves the losses that are not of mixed images.
Both players learn at 2e-4: at the paper's 1e-4 and 5e-4, in a training this short, the generator
stayed far behind.
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from ganbench import (
    GAN,
    DataSpec,
    Hooks,
    State,
    Terms,
    Turn,
    adam,
    build_backbone,
    losses,
    register,
)
from ganbench.backbone import images_only
from ganbench.nn.unet_discriminator import UNetDiscriminator
from ganbench.tricks.ema import EMA
from ganbench.tricks.spectral_norm import SpectralNorm
from ganbench.tricks.unet_discriminator import pixel_logits

RISES_UNTIL = 0.5
"""The share of training after which CutMix has its full weight."""


def cut_masks(like: Tensor, stream: torch.Generator) -> Tensor:
    """Return which pixels stay as they are, bool (B, 1, H, W), for images (B, C, H, W).

    The others are a box around any pixel, cut off at the border, or with probability 1/2 all but
    such a box. The share of a box in the image is uniform, before it is cut off.
    """
    draws = torch.rand(4, len(like), 1, 1, 1, generator=stream, device=like.device)
    share, row, column, swapped = draws
    inside = torch.ones_like(like[:, :1], dtype=torch.bool)
    for dimension, center in ((2, row), (3, column)):
        side = like.shape[dimension]
        length = (share.sqrt() * side).floor()
        start = (center * side).floor() - (length / 2).floor()
        places = [1, 1, 1, 1]
        places[dimension] = side
        pixels = torch.arange(side, device=like.device).view(places)
        inside = inside & (pixels >= start) & (pixels < start + length)
    kept: Tensor = inside ^ (swapped < 0.5)
    return kept


@dataclass(frozen=True)
class PixelJudgments(Hooks):
    """Adds the loss of pixels for both players, and CutMix for the discriminator."""

    cutmix: float

    def weight_now(self, state: State) -> float:
        """Return the present weight of what is learned from mixed images."""
        progress = state.images_seen / (1000 * state.recipe.kimg)
        return self.cutmix * min(1.0, progress / RISES_UNTIL)

    def discriminator_terms(self, turn: Turn) -> Terms:
        """Return the loss of pixels and, once they have a weight, three terms of mixed images."""
        real, fake = pixel_logits(turn.real), pixel_logits(turn.fake)
        terms = {"pixels": turn.state.loss.discriminator(real, fake)}
        weight = self.weight_now(turn.state)
        if weight:
            mixed = self._mixed_terms(turn, real, fake)
            terms |= {name: weight * value for name, value in mixed.items()}
        return terms

    def _mixed_terms(self, turn: Turn, real: Tensor, fake: Tensor) -> Terms:
        """Return what mixed images cost, from the logits of pixels of those they are made of."""
        loss, images = turn.state.loss, turn.real.seen.images
        mask = cut_masks(images, turn.random(self))
        mixed = torch.where(mask, images, turn.fake.seen.images)
        with turn.state.autocast():
            logits, pixels = (part.float() for part in turn.discriminate(mixed, None))
        terms = {"consistency": (pixels - torch.where(mask, real, fake)).square().mean()}
        if loss.real_part and loss.fake_part:  # a loss that compares has no cost of a mixed image
            costs = torch.where(mask, loss.real_part(pixels), loss.fake_part(pixels))
            terms |= {"mixed": loss.fake_part(logits).mean(), "mixed_pixels": costs.mean()}
        return terms

    def generator_terms(self, turn: Turn) -> Terms:
        """Return the loss of pixels."""
        loss, fake = turn.state.loss, pixel_logits(turn.fake)
        real = pixel_logits(turn.real) if loss.paired else fake.new_empty(0)
        return {"pixels": loss.generator(real, fake)}


@register
def unet_gan(
    data: DataSpec,
    *,
    backbone: str = "auto",
    width: int = 16,
    cutmix: Annotated[float, Field(ge=0)] = 1.0,
) -> GAN:
    """U-Net GAN: a judgment of each pixel, and of images mixed from real and fake ones."""
    images_only("unet-gan", data)
    networks = build_backbone(backbone, data, images="fastgan")
    optimizer = adam(2e-4, (0.0, 0.999))
    return GAN(
        generator=networks.generator,
        discriminator=lambda shape: UNetDiscriminator(shape, width=width),
        loss=losses.non_saturating,
        hooks=PixelJudgments(cutmix),
        tricks=[SpectralNorm(), EMA()],
        recipe=networks.recipe.replace(
            generator_optimizer=optimizer, discriminator_optimizer=optimizer
        ),
    )
