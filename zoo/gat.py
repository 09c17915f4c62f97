# SPDX-License-Identifier: MIT
"""GAT: transformers on both sides; the discriminator sees what each quarter of the generator made.

Paper: Hyun, Lee and Heo, Scalable GANs with Transformers, 2025, arXiv:2509.24935

The generator gives an image at four of its depths, and the discriminator sees all four at once, the
coarse ones with more noise: x_i (1 - t_i) + t_i e with t = 0.885, 0.76, 0.51 and 0.01, where each
level has the noise of the finer one and more. So early layers learn what noise cannot hide. A real
image is seen at the same levels. The loss is relativistic, with R1 and R2; the learning rate is in
inverse proportion to the width, but at most 0.001, which it is for all widths below 154, the default
among them. Data with classes are learned with them.

Departs from the paper: pixels, not an autoencoder's latents; small networks; R1 and R2 are exact
gradients, not finite differences. Both are with respect to a shift of all four levels alike: the
authors' code does so for real images, but shifts each level of a generated one by noise of its own,
so that its R2 is the sum of the levels' squared gradients, where here it is the square of their sum.
The logit of data with classes has a linear term next to the inner product with the class, which is
all that the authors' has; gradients are not clipped, where theirs are to a norm of 1; no guidance by
the features of a pretrained network, no augmentation, batches of 64; runs are a quarter as long as
those of most models here, because updates take long.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ganbench import (
    EMA,
    GAN,
    R1,
    R2,
    DataSpec,
    Hooks,
    Scored,
    Seen,
    Turn,
    build_backbone,
    images_only,
    losses,
    register,
)

LEAST_SIGNAL = 0.125
LEAST_NOISE = 0.01
MOST_LEVELS = 4


@dataclass(frozen=True)
class NoisyLevels(Hooks):
    """Shows the discriminator images (B, levels * C, H, W): at several depths, or repeated."""

    levels: int

    def noise_shares(self) -> Tensor:
        """Return the share of noise t at each level, (levels,), from coarse to fine."""
        steps = torch.arange(self.levels - 1, -1, -1) / max(1, self.levels - 1)
        return 1 - LEAST_SIGNAL**steps + LEAST_NOISE

    def see(self, seen: Seen, scored: Scored, turn: Turn) -> Seen:
        """Add the levels, and noise that is the same in every evaluation."""
        levels = seen.images[:, None].expand(-1, self.levels, -1, -1, -1)
        if scored.made is not None:  # so that all levels follow when the image is shifted
            levels = levels + (scored.made - scored.made[:, -1:])
        stream = turn.random(self)
        if not turn.state.discriminator.training:
            stream = torch.Generator(stream.device).manual_seed(0)
        return seen.replace(images=self.noisy(levels, stream).flatten(1, 2))

    def noisy(self, levels: Tensor, stream: torch.Generator) -> Tensor:
        """Blend levels (B, levels, C, H, W) with noise that grows from the finest to the first."""
        fresh = torch.randn(levels.shape, generator=stream, device=levels.device)
        noise, earlier, blended = torch.zeros_like(fresh[:, 0]), 0.0, []
        for level in reversed(range(self.levels)):
            share = float(self.noise_shares()[level])
            kept = (1 - share) / (1 - earlier)
            noise = kept * noise + (share**2 - (kept * earlier) ** 2) ** 0.5 * fresh[:, level]
            blended.append((1 - share) * levels[:, level] + noise)
            earlier = share
        return torch.stack(blended[::-1], 1)


@register
def gat(data: DataSpec, *, width: int = 64, depth: int = 4) -> GAN:
    """GAT, small: transformers, and a discriminator that sees the generator at four depths."""
    images_only("gat", data)
    networks = build_backbone(f"transformer:width={width},depth={depth}", data)
    classes, levels = data.classes, min(MOST_LEVELS, depth)
    judge = networks.projection(classes) if classes else networks.discriminator
    return GAN(
        generator=networks.labeled_generator(classes) if classes else networks.generator,
        discriminator=lambda shape: judge((levels * shape[0], *shape[1:])),
        loss=losses.relativistic,
        hooks=NoisyLevels(levels),
        tricks=[R1(weight=0.1), R2(weight=0.1), EMA()],
        conditional=bool(classes),
        recipe=networks.recipe.replace(kimg=networks.recipe.kimg / 4),
    )
