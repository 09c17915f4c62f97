# SPDX-License-Identifier: MIT
"""The networks of SAGAN (arXiv:1805.08318) and BigGAN (arXiv:1809.11096) for images of any size."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from math import prod

import torch
from torch import Tensor, nn

from ganbench.errors import ConfigError
from ganbench.gan import Labels, Shape
from ganbench.nn.convolutional import map_sizes
from ganbench.nn.residual import (
    ClassBatchNorm2d,
    ConditionalBatchNorm2d,
    DownBlock,
    MapNorm,
    PlainBatchNorm2d,
    UpBlock,
    channels_inward,
    initialize_orthogonal,
    initialize_xavier,
    pixel_sum,
)
from ganbench.nn.self_attention import SelfAttention2d, attention_stage

_LARGEST = 8
"""The largest number of channels, as a multiple of the outermost one's."""
_EMBEDDED = 128
"""The size of an embedded class, as in BigGAN."""


class AttentionGenerator(nn.Module):
    """Residual blocks, one of which is followed by self-attention; tanh at the end.

    Maps latents (B, latent_dim), and labels (B,) int64 where there are classes, to (B, *shape) in
    [-1, 1]. Labels choose the gains and biases of the batch normalizations.

    Args:
        latent_dim: Size of a latent.
        shape: (C, H, W) of an image.
        width: Channels of the outermost map; doubled inward, up to eight times as many.
        classes: The number of classes; 0 where there are no labels.
    """

    def __init__(self, latent_dim: int, shape: Shape, *, width: int = 16, classes: int = 0) -> None:
        super().__init__()
        norm: MapNorm = PlainBatchNorm2d
        if classes:
            norm = partial(ClassBatchNorm2d, classes=classes)
        count = len(map_sizes(*shape[1:])) - 1
        self.body = _GeneratorBody(latent_dim, shape, width, [norm] * count)
        initialize_xavier(self)

    def forward(self, latents: Tensor, labels: Labels = None) -> Tensor:
        """Map (B, latent_dim) and labels (B,) or None to (B, *shape)."""
        images: Tensor = self.body(latents, [labels] * len(self.body.blocks))
        return images


class ChunkGenerator(nn.Module):
    """BigGAN's generator: every block has its own part of the latent, and the embedded class.

    Maps latents (B, latent_dim), and labels (B,) int64 where there are classes, to (B, *shape) in
    [-1, 1]. The first part of a latent becomes the innermost map; each of the others, with the
    class's embedding, which all blocks share, makes the gains and biases of a block's batch
    normalizations. Without classes the part alone makes them (arXiv:1810.01365), and each has a
    constant term, which embeddings otherwise provide.

    Args:
        latent_dim: Size of a latent; no less than the number of its parts.
        shape: (C, H, W) of an image.
        width: Channels of the outermost map; doubled inward, up to eight times as many.
        classes: The number of classes; 0 where there are no labels.

    Raises:
        ConfigError: A latent has fewer values than parts.
    """

    def __init__(self, latent_dim: int, shape: Shape, *, width: int = 16, classes: int = 0) -> None:
        super().__init__()
        self.parts = len(map_sizes(*shape[1:]))  # the innermost map, and a block for each doubling
        if latent_dim < self.parts:
            raise ConfigError(
                f"A latent of {latent_dim} values cannot be split into {self.parts} parts, one for "
                "each resolution.",
                f"For example: --set latent_dim={20 * self.parts}",
            )
        self.embed = nn.Embedding(classes, _EMBEDDED) if classes else None
        embedded = _EMBEDDED if classes else 0
        first, *others = (len(part) for part in torch.empty(latent_dim).tensor_split(self.parts))
        norms: list[MapNorm] = [
            partial(ConditionalBatchNorm2d, size=size + embedded, constant=not classes)
            for size in others
        ]
        self.body = _GeneratorBody(first, shape, width, norms)
        initialize_orthogonal(self)

    def forward(self, latents: Tensor, labels: Labels = None) -> Tensor:
        """Map (B, latent_dim) and labels (B,) or None to (B, *shape)."""
        first, *conditions = latents.tensor_split(self.parts, 1)
        if self.embed is not None:
            embedded = self.embed(labels)  # (B, embedded)
            conditions = [torch.cat([part, embedded], 1) for part in conditions]
        images: Tensor = self.body(first, conditions)
        return images


class _GeneratorBody(nn.Module):
    """What both generators have: a linear layer, a block for each doubling, and a convolution."""

    def __init__(self, inputs: int, shape: Shape, width: int, norms: Sequence[MapNorm]) -> None:
        super().__init__()
        sizes = map_sizes(*shape[1:])
        widths = channels_inward(width, len(sizes), _LARGEST)[::-1]
        self.start = (widths[0], *sizes[0])
        self.project = nn.Linear(inputs, prod(self.start))
        self.blocks = nn.ModuleList(
            UpBlock(inner, outer, size, norm)
            for (inner, outer), size, norm in zip(pairwise(widths), sizes[1:], norms, strict=True)
        )
        self.attending = attention_stage(sizes[1:])
        self.attention = SelfAttention2d(widths[1 + self.attending])
        self.norm = nn.BatchNorm2d(widths[-1])
        self.to_image = nn.Conv2d(widths[-1], shape[0], 3, padding=1)

    def forward(self, values: Tensor, conditions: Sequence[Tensor | None]) -> Tensor:
        """Map (B, inputs) and a condition for each block to (B, *shape)."""
        maps = self.project(values).unflatten(1, self.start)
        for stage, (block, condition) in enumerate(zip(self.blocks, conditions, strict=True)):
            maps = block(maps, condition)
            if stage == self.attending:
                maps = self.attention(maps)
        images: Tensor = self.to_image(self.norm(maps).relu()).tanh()
        return images


class AttentionDiscriminator(nn.Module):
    """Blocks that halve an image, one of them followed by self-attention, and one that does not.

    Maps (B, *shape) to (B, outputs): a linear layer of the sums over pixels. Nothing is normalized.

    Args:
        shape: (C, H, W) of an image.
        width: Channels of the outermost map; doubled inward, up to eight times as many.
        outputs: The number of values of the linear layer.
        orthogonal: Whether weights start orthogonal, as in BigGAN, or as in SNGAN.
    """

    def __init__(
        self, shape: Shape, *, width: int = 16, outputs: int = 1, orthogonal: bool = False
    ) -> None:
        super().__init__()
        halvings = len(map_sizes(*shape[1:])) - 1
        widths = channels_inward(width, halvings, _LARGEST)
        self.blocks = nn.ModuleList(
            [
                DownBlock(shape[0], width, first=True),
                *(DownBlock(before, after) for before, after in pairwise(widths)),
                DownBlock(widths[-1], widths[-1], halve=False),
            ]
        )
        depths = range(1, halvings + 1)
        self.attending = attention_stage(
            [(shape[1] >> depth, shape[2] >> depth) for depth in depths]
        )
        self.attention = SelfAttention2d(widths[self.attending])
        self.head = nn.Linear(widths[-1], outputs)
        initialize = initialize_orthogonal if orthogonal else initialize_xavier
        initialize(self)

    def forward(self, images: Tensor) -> Tensor:
        """Map (B, *shape) to (B, outputs)."""
        maps = images
        for stage, block in enumerate(self.blocks):
            maps = block(maps)
            if stage == self.attending:
                maps = self.attention(maps)
        values: Tensor = self.head(pixel_sum(maps))
        return values
