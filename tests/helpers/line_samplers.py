# SPDX-License-Identifier: MIT
"""Samplers on the line, whose generator returns its latents and whose logits are a function."""

import numpy as np
import torch
from scipy import stats
from small_states import state_of
from torch import nn

from ganbench.config import Recipe
from ganbench.gan import GAN, DataSpec
from ganbench.losses import non_saturating


class Scale(nn.Module):
    """A generator that multiplies its latents (B, D) by one learned factor, at first 1."""

    def __init__(self):
        super().__init__()
        self.factor = nn.Parameter(torch.ones(()))

    def forward(self, latents):
        return self.factor * latents


class Score(nn.Module):
    """A discriminator that is a given function of points (B, D)."""

    def __init__(self, function):
        super().__init__()
        self.function = function
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, points):
        return self.weight * self.function(points)


def build(
    *tricks,
    score=lambda points: points,
    size=1,
    prior="normal",
    conditional=False,
    own_prior=None,
):
    gan = GAN(
        generator=lambda _: Scale(),
        discriminator=lambda _: Score(score),
        loss=non_saturating,
        recipe=Recipe(kimg=1, batch_size=4, latent_dim=size, prior=prior),
        conditional=conditional,
        prior=own_prior,
    )
    return state_of(gan, DataSpec("line", "1", (size,)), tricks)


def draw(state, count, seed=1):
    return state.sampler()(count, torch.Generator().manual_seed(seed)).images


def log_ratio(points):
    """Return log p / q for p = N(0.5, 0.7^2) and q = N(0, 1): the optimal logit."""
    return -((points - 0.5) ** 2) / (2 * 0.7**2) - np.log(0.7) + points**2 / 2


TARGET = stats.norm(0.5, 0.7)
