# SPDX-License-Identifier: MIT
"""Dirac-GAN (arXiv:1801.04406), a game so small that every update can be written down.

The data are one point c, G(z) = theta and D(x) = psi . x, on the line or in the plane.
"""

import torch
from small_states import state_of
from torch import nn

from ganbench.config import Recipe, sgd
from ganbench.gan import GAN, Batch, DataSpec
from ganbench.losses import wasserstein

RATE = 0.1
SGD = sgd(RATE)


class Constant(nn.Module):
    """A generator that maps latents (B, n) to one learned point, whatever they are."""

    def __init__(self, point):
        super().__init__()
        self.point = nn.Parameter(torch.tensor(list(point)))

    def forward(self, latents):
        return self.point.expand(len(latents), -1)


def linear(weight):
    """Return D(x) = weight . x."""
    layer = nn.Linear(len(weight), 1, bias=False)
    layer.weight.data = torch.tensor([list(weight)])
    return layer


def dirac(
    *tricks,
    loss=wasserstein,
    psi=(0.7,),
    theta=(1.3,),
    optimizer=SGD,
    discriminator=None,
    **settings,
):
    """Return the game's state, with settings of its recipe, or with another discriminator."""
    gan = GAN(
        generator=lambda _: Constant(theta),
        discriminator=discriminator or (lambda _: linear(psi)),
        loss=loss,
        recipe=Recipe(
            kimg=1,
            batch_size=4,
            latent_dim=1,
            generator_optimizer=optimizer,
            discriminator_optimizer=optimizer,
            **settings,
        ),
    )
    return state_of(gan, DataSpec("dirac", "1", (len(theta),)), tricks)


def weights(state):
    """Return psi and theta."""
    psi, theta = state.discriminator.weight[0], state.generator.point
    return psi.detach().numpy().copy(), theta.detach().numpy().copy()


def players(state):
    """Return psi and theta on the line, as numbers."""
    psi, theta = weights(state)
    return psi.item(), theta.item()


def batch_at(real):
    """Return a batch of real examples that are all one point of the line."""
    return Batch(torch.full((4, 1), real))
