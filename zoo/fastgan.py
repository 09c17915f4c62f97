# SPDX-License-Identifier: MIT
"""FastGAN: few images are enough if the discriminator must be able to rebuild what it sees.

Paper: Liu et al., Towards Faster and Stabilized GAN Training for High-fidelity Few-shot Image Synthesis, 2021, arXiv:2101.04775

Two small decoders learn with the discriminator: one rebuilds a real image from the inner map, the
other a random quarter of the image from that quarter of the outer map. So both maps must describe
whole images, not only what tells real from fake: the term is E |I - I'| + E |I_part - I'_part|.
The generator's small maps excite the channels of large ones. Hinge loss on patches.

Departs from the paper: absolute differences of pixels in place of a perceptual distance; images
are rebuilt as the discriminator was shown them; maps are those before the last halving and after
it, whatever their size, and skip connections are shorter where an image has fewer than four
doublings; batches of 64, not 8. The authors' code also normalizes the convolutions spectrally, draws
the margins of the hinge loss between 0.8 and 1, and lets the discriminator judge a smaller copy of
each image, which a third decoder rebuilds; none of this is done here.
"""

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ganbench import GAN, DataSpec, Hooks, Partner, Terms, Turn, build_backbone, losses, register
from ganbench.nn.fastgan_networks import MapDecoders, SelfSupervisedDiscriminator
from ganbench.tricks.diffaugment import DiffAugment
from ganbench.tricks.ema import EMA


def quarter(maps: Tensor, corner: int, size: tuple[int, int]) -> Tensor:
    """Return the part of (B, C, H, W) that a quarter of a map of another size covers.

    Args:
        maps: Maps or images.
        corner: Which corner: 0 to 3, from left to right and then from top to bottom.
        size: The height and width (h, w) of the map; a quarter has h // 2 rows, w // 2 columns.
    """
    for dimension, side, last in ((2, size[0], corner // 2), (3, size[1], corner % 2)):
        start = side - side // 2 if last else 0
        pixels = maps.shape[dimension] / side
        first, end = round(start * pixels), round((start + side // 2) * pixels)
        maps = maps.narrow(dimension, first, end - first)
    return maps


class Reconstruction(Hooks):
    """Adds the mean absolute errors of what the decoders rebuild from maps of real images."""

    def discriminator_terms(self, turn: Turn) -> Terms:
        """Return the errors of a quarter and of the whole, as one term."""
        images, (outer, inner) = turn.real.seen.images.detach(), turn.real.extras
        size = (outer.shape[2], outer.shape[3])
        corner = int(torch.randint(4, (), generator=turn.random(self), device=outer.device))
        with turn.state.autocast():
            rebuilt = turn.state.partners["decoders"](quarter(outer, corner, size), inner)
        errors = [
            (copy.float() - interpolate(image, copy.shape[2:], mode="area")).abs().mean()
            for copy, image in zip(rebuilt, (quarter(images, corner, size), images), strict=True)
        ]
        return {"reconstruction": torch.stack(errors).sum()}


@register
def fastgan(data: DataSpec, *, width: int = 16) -> GAN:
    """FastGAN: a discriminator that learns to rebuild real images."""
    networks = build_backbone(f"fastgan:width={width}", data)
    return GAN(
        generator=networks.generator,
        discriminator=lambda shape: SelfSupervisedDiscriminator(shape, width=width),
        partners={
            "decoders": Partner(
                lambda latent_dim, shape: MapDecoders(shape, width=width), "discriminator"
            )
        },
        loss=losses.hinge,
        hooks=Reconstruction(),
        tricks=[DiffAugment(cutout=0.0), EMA()],
        recipe=networks.recipe,
    )
