# SPDX-License-Identifier: MIT
"""Convolutional networks with an image at each resolution (Karnewar and Wang, 2020)."""

from __future__ import annotations

from itertools import pairwise
from math import prod

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from ganbench.gan import Shape
from ganbench.nn.convolutional import cut_to, initialize, made_even, map_sizes

Pyramid = tuple[Tensor, ...]
"""Images (B, C, h, w), each half as wide as the one before."""


def pyramid_of(images: Tensor) -> Pyramid:
    """Return images (B, C, H, W) at each lower resolution of the networks, by means of 2 x 2."""
    levels = [images]
    for _ in map_sizes(*images.shape[2:])[1:]:
        levels.append(avg_pool2d(levels[-1], 2, ceil_mode=True))
    return tuple(levels[1:])


class PyramidGenerator(nn.Module):
    """A convolutional generator that makes an image at each resolution, each by 1 x 1 weights.

    Maps (B, latent_dim) to images (B, *shape) in [-1, 1] and a pyramid of the smaller ones.

    Args:
        latent_dim: Size of a latent.
        shape: (C, H, W) of an image.
        width: Channels of the outermost map; they double inward, up to 256.
    """

    def __init__(self, latent_dim: int, shape: Shape, *, width: int = 32) -> None:
        super().__init__()
        sizes = map_sizes(*shape[1:])
        widths = [min(256, width * 2**depth) for depth in reversed(range(len(sizes)))]
        self.start = (widths[0], *sizes[0])
        self.project = nn.Linear(latent_dim, prod(self.start), bias=False)
        self.normalize = nn.Sequential(nn.BatchNorm2d(widths[0]), nn.ReLU(inplace=True))
        self.stages = nn.ModuleList(
            nn.Sequential(
                nn.ConvTranspose2d(inner, outer, 4, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(outer),
                nn.ReLU(inplace=True),
                *cut_to(after, before),
            )
            for (inner, outer), (before, after) in zip(
                pairwise(widths), pairwise(sizes), strict=True
            )
        )
        self.to_image = nn.ModuleList(nn.Conv2d(channels, shape[0], 1) for channels in widths)
        initialize(self)

    def forward(self, latents: Tensor) -> tuple[Tensor, Pyramid]:
        """Map (B, latent_dim) to images (B, *shape) and the smaller ones, the largest first."""
        maps = self.normalize(self.project(latents).unflatten(1, self.start))
        images = [self.to_image[0](maps).tanh()]
        for stage, to_image in zip(self.stages, self.to_image[1:], strict=True):
            maps = stage(maps)
            images.append(to_image(maps).tanh())
        largest, *smaller = reversed(images)
        return largest, tuple(smaller)


class PyramidDiscriminator(nn.Module):
    """Strided convolutions that are shown a further image at each resolution they reach.

    Maps images (B, *shape) and their pyramid to logits (B, 1).

    Args:
        shape: (C, H, W) of an image.
        width: Channels of the outermost map; they double inward, up to 256.
    """

    def __init__(self, shape: Shape, *, width: int = 32) -> None:
        super().__init__()
        channels = shape[0]
        sizes = map_sizes(*shape[1:])
        widths = [min(256, width * 2**depth) for depth in range(len(sizes))]
        self.from_image = nn.Sequential(nn.Conv2d(channels, width, 3, padding=1), nn.LeakyReLU(0.2))
        inputs = [width, *(inner + channels for inner in widths[1:])]
        # The LeakyReLU ends a stage: a smaller image joins the maps after it, and stays as it is.
        self.stages = nn.ModuleList(
            nn.Sequential(nn.Conv2d(outer, inner, 4, stride=2, padding=1), nn.LeakyReLU(0.2))
            for outer, inner in zip(inputs[:-1], widths[1:], strict=True)
        )
        self.last = nn.Sequential(
            nn.Conv2d(inputs[-1], widths[-1], 3, padding=1), nn.LeakyReLU(0.2)
        )
        self.logit = nn.Sequential(nn.Flatten(), nn.Linear(widths[-1] * prod(sizes[0]), 1))
        initialize(self)

    def forward(self, images: Tensor, pyramid: Pyramid) -> Tensor:
        """Map images (B, *shape) and the smaller ones, the largest first, to logits (B, 1)."""
        maps = self.from_image(images)
        for stage, smaller in zip(self.stages, pyramid, strict=True):
            maps = torch.cat([stage(made_even(maps)), smaller], 1)
        logits: Tensor = self.logit(self.last(maps))
        return logits
