# SPDX-License-Identifier: MIT
"""Strided convolutions along time for sounds (Donahue et al., 2018, arXiv:1802.04208).

Each layer changes the length by four, from 16 or 32 steps up to 16,384, with filters of 25 steps.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from ganbench.errors import ConfigError
from ganbench.gan import Shape


def time_stages(length: int) -> tuple[int, int]:
    """Return the innermost length, and how often it becomes four times as long.

    >>> time_stages(16384), time_stages(128)
    ((16, 5), (32, 1))

    Raises:
        ConfigError: The length is no power of two from 64 to 16,384.
    """
    if length & (length - 1) or not 64 <= length <= 16_384:
        raise ConfigError(
            f"A sound of {length} steps cannot be drawn; a power of two from 64 to 16,384 was "
            "expected.",
            "A folder of sounds takes a length: --dataset FOLDER@8192",
        )
    count = (length.bit_length() - 5) // 2
    return length // 4**count, count


class WaveGenerator(nn.Module):
    """A linear layer to a few steps, which transposed convolutions lengthen; tanh at the end.

    Maps (B, latent_dim) to (B, *shape) in [-1, 1].

    Args:
        latent_dim: Size of a latent.
        shape: (C, L) of a sound.
        width: Channels of the outermost map; doubled at every layer inward.
    """

    def __init__(self, latent_dim: int, shape: Shape, *, width: int = 64) -> None:
        super().__init__()
        steps, count = time_stages(shape[1])
        widths = [width * 2**depth for depth in reversed(range(count))]
        self.start = (widths[0], steps)
        self.project = nn.Linear(latent_dim, widths[0] * steps)
        layers: list[nn.Module] = []
        for inner, outer in pairwise([*widths, shape[0]]):
            layers += [
                nn.ReLU(),
                nn.ConvTranspose1d(inner, outer, 25, stride=4, padding=11, output_padding=1),
            ]
        self.layers = nn.Sequential(*layers, nn.Tanh())

    def forward(self, latents: Tensor) -> Tensor:
        """Map (B, latent_dim) to (B, *shape)."""
        sounds: Tensor = self.layers(self.project(latents).unflatten(1, self.start))
        return sounds


class WaveDiscriminator(nn.Module):
    """Strided convolutions with phase shuffle between them: maps (B, *shape) to logits (B, 1).

    Args:
        shape: (C, L) of a sound.
        width: Channels of the outermost map; doubled at every layer inward.
        shuffle: The most steps by which maps are shifted, in training mode only.
    """

    def __init__(self, shape: Shape, *, width: int = 64, shuffle: int = 2) -> None:
        super().__init__()
        steps, count = time_stages(shape[1])
        widths = [shape[0], *(width * 2**depth for depth in range(count))]
        self.shuffle = shuffle
        self.layers = nn.ModuleList(
            nn.Conv1d(outer, inner, 25, stride=4, padding=11) for outer, inner in pairwise(widths)
        )
        self.logit = nn.Linear(widths[-1] * steps, 1)

    def forward(self, sounds: Tensor) -> Tensor:
        """Map (B, *shape) to logits (B, 1)."""
        maps = sounds
        for index, layer in enumerate(self.layers, start=1):
            maps = leaky_relu(layer(maps), 0.2)
            if self.training and self.shuffle and index < len(self.layers):
                maps = phase_shuffle(maps, self.shuffle)
        logits: Tensor = self.logit(maps.flatten(1))
        return logits


def phase_shuffle(maps: Tensor, most: int) -> Tensor:
    """Shift each example (B, C, L) by up to that many steps; what is missing is reflected.

    The shifts are drawn from torch's global stream: integers from -most to most.
    """
    shifts = torch.randint(-most, most + 1, (len(maps), 1), device=maps.device)  # (B, 1)
    last = maps.shape[2] - 1
    steps = (torch.arange(last + 1, device=maps.device) - shifts).abs()  # (B, L)
    steps = last - (last - steps).abs()
    return maps.gather(2, steps[:, None].expand_as(maps))
