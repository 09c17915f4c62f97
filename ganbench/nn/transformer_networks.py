# SPDX-License-Identifier: MIT
"""A generator and a discriminator made of transformers (GAT, arXiv:2509.24935), small."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganbench.gan import Labels, Shape
from ganbench.nn.mapping import Mapping, unit_mean_square
from ganbench.nn.transformer import (
    ModulatedBlock,
    PlainBlock,
    image_of,
    initialize_transformer,
    patch_grid,
    patch_side,
    patches_of,
    position_codes,
)

_MAPPING_LAYERS = 2
_MOST_LEVELS = 4


class TransformerGenerator(nn.Module):
    """Tokens at fixed places, modulated by styles, become patches of an image; tanh at the end.

    Maps latents (B, latent_dim), and labels (B,) int64 where there are classes, to images
    (B, *shape) in [-1, 1] and the images at four depths (B, levels, *shape), from coarse to fine:
    each is the sum of what the layers up to there contribute, and the last is the image itself.

    Args:
        latent_dim: The size of a latent.
        shape: (C, H, W) of an image.
        width: The number of channels of a token, and of a style.
        depth: The number of blocks.
        classes: The number of classes; 0 where there are no labels.
    """

    codes: Tensor

    def __init__(
        self, latent_dim: int, shape: Shape, *, width: int = 64, depth: int = 4, classes: int = 0
    ) -> None:
        super().__init__()
        self.size = (shape[1], shape[2])
        self.side = patch_side(*self.size)
        codes = position_codes(*patch_grid(*self.size, self.side), width)
        self.register_buffer("codes", codes, persistent=False)
        self.mapping = Mapping(latent_dim, width, layers=_MAPPING_LAYERS, classes=classes)
        self.blocks = nn.ModuleList(ModulatedBlock(width, width) for _ in range(depth))
        levels = min(_MOST_LEVELS, depth)
        self.depths = [(level + 1) * depth // levels for level in range(levels)]
        self.to_patches = nn.ModuleList(
            _ToPatches(width, shape[0] * self.side**2) for _ in self.depths
        )
        initialize_transformer(self)

    def forward(self, latents: Tensor, labels: Labels = None) -> tuple[Tensor, Tensor]:
        """Map (B, latent_dim) to images (B, *shape) and their levels (B, levels, *shape)."""
        styles = self.mapping(latents, labels)
        tokens = self.codes.expand(latents.shape[0], -1, -1)
        levels: list[Tensor] = []
        total = torch.zeros((), device=latents.device)
        for depth, block in enumerate(self.blocks, 1):
            tokens = block(tokens, styles)
            if depth in self.depths:
                total = total + self.to_patches[len(levels)](tokens, styles)
                levels.append(image_of(total, self.size, self.side).tanh())
        return levels[-1], torch.stack(levels, 1)


class _ToPatches(nn.Module):
    """Maps tokens (B, tokens, width), scaled by a style, to patches (B, tokens, values)."""

    def __init__(self, width: int, values: int) -> None:
        super().__init__()
        self.modulate = nn.Linear(width, width)
        self.project = nn.Linear(width, values)

    def forward(self, tokens: Tensor, styles: Tensor) -> Tensor:
        """Map (B, tokens, width) and styles (B, width) to (B, tokens, values)."""
        scaled = unit_mean_square(tokens) * (1 + self.modulate(styles)[:, None])
        patches: Tensor = self.project(scaled)
        return patches


class TransformerDiscriminator(nn.Module):
    """Patches of an image are tokens; a further token collects what the last layer reads.

    Maps (B, *shape) to (B, outputs).

    Args:
        shape: (C, H, W) of an image.
        width: The number of channels of a token.
        depth: The number of blocks.
        outputs: The number of values of the last layer.
    """

    codes: Tensor

    def __init__(self, shape: Shape, *, width: int = 64, depth: int = 4, outputs: int = 1) -> None:
        super().__init__()
        self.side = patch_side(shape[1], shape[2])
        codes = position_codes(*patch_grid(shape[1], shape[2], self.side), width)
        self.register_buffer("codes", codes, persistent=False)
        self.from_patches = nn.Linear(shape[0] * self.side**2, width)
        self.collecting = nn.Parameter(0.02 * torch.randn(1, width))
        self.blocks = nn.Sequential(*(PlainBlock(width) for _ in range(depth)))
        self.gain = nn.Parameter(torch.ones(width))
        self.head = nn.Linear(width, outputs)
        initialize_transformer(self)

    def forward(self, images: Tensor) -> Tensor:
        """Map (B, *shape) to (B, outputs)."""
        tokens = self.from_patches(patches_of(images, self.side)) + self.codes
        collecting = self.collecting.expand(images.shape[0], 1, -1)
        collected = self.blocks(torch.cat([collecting, tokens], 1))[:, 0]  # (B, width)
        values: Tensor = self.head(self.gain * unit_mean_square(collected))
        return values
