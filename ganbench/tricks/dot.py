# SPDX-License-Identifier: MIT
"""DOT: the discriminator as a transport plan carries samples to where data are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from ganbench.config import Recipe
from ganbench.gan import GAN, Batch, DataSpec, Draw, Sampler
from ganbench.registry import register
from ganbench.state import State
from ganbench.trick import Trick, TrickState
from ganbench.tricks.ddls import LatentDrawing, require_plain_prior
from ganbench.tricks.drs import require_single_logits

_OFFSET = 1e-3
"""What is added to each value of a distance, which has no slope at zero."""


@register("dot")
@dataclass(frozen=True)
class DOT(Trick):
    """Moves the latents of samples down a cost: far from the start is dear, and looking real cheap.

    Paper: Tanaka, 2019, arXiv:1910.06832

    Discriminator optimal transport in latent space: ``steps`` steps ``z <- z - rate * g`` from the
    latents z_0 that were drawn, with the gradient g of ``|z - z_0| - F(G(z)) / k`` and the logits
    F. k is the effective Lipschitz constant, the largest ``|F(G(z)) - F(G(z'))| / |z - z'|`` of
    ``pairs`` pairs of latents. With a normal prior, the part of g along z is taken off, so that
    latents keep their length, near which its mass lies; the authors' code takes off
    ``z <g, z> / sqrt(D)``, with D values in z, which turns that part around and enlarges it, and
    can send latents to infinity. With a uniform prior, latents stay within its bounds. Training is
    unchanged. With batch normalization in the discriminator, the logits are not those of training,
    as for ``drs``.
    """

    steps: Annotated[int, Field(ge=0)] = 20
    rate: Annotated[float, Field(gt=0)] = 0.05
    pairs: Annotated[int, Field(ge=1)] = 100

    neutral: ClassVar = {"steps": 0}
    needs_ordered_logits: ClassVar = True

    def check(self, gan: GAN, recipe: Recipe, data: DataSpec) -> None:
        """Refuse a model with a prior of its own, some of whose values may be codes.

        Raises:
            ConfigError: The model has a prior of its own.
        """
        require_plain_prior("dot", gan.prior)

    def start(self, state: State) -> TrickState:
        """Refuse packs of samples, which share a logit, and other corrections.

        Raises:
            ConfigError: The discriminator judges packs, or another trick corrects the samples.
        """
        require_single_logits("dot", state)
        return {}

    def sampler(self, sampler: Sampler, state: State) -> Sampler:
        """Draw with latents that were moved.

        Raises:
            ConfigError: The model has a prior of its own.
        """
        require_plain_prior("dot", state.latent_prior)  # the trick may have been added later
        return sampler.replace(draw=_Transport(self, sampler.draw, state.recipe.prior == "normal"))


class _Transport:
    """Draws with moved latents; the first draw finds the Lipschitz constant, which is kept."""

    def __init__(self, settings: DOT, draw: Draw, normal: bool) -> None:
        self.settings, self.draw, self.normal = settings, draw, normal
        self.constant: Tensor | None = None

    def __call__(self, sampler: Sampler, count: int, generator: torch.Generator) -> Batch:
        """Draw ``count`` samples."""
        steps, rate = self.settings.steps, self.settings.rate
        if not steps:
            return self.draw(sampler, count, generator)
        drawing = LatentDrawing("dot", self.draw, sampler, count, generator)
        start = latents = drawing.latents  # (count, latent_dim)
        for _ in range(steps):
            _, slopes = drawing.logits_and_slopes(latents)
            if self.constant is None:
                self.constant = self._lipschitz(sampler, generator)
            away = latents - start + _OFFSET
            gradient = away / away.norm(dim=1, keepdim=True) - slopes / self.constant
            if self.normal:
                gradient = _across(gradient, latents)
            latents = latents - rate * gradient
            latents = latents if self.normal else latents.clamp(-1, 1)
        return drawing.examples(latents)

    def _lipschitz(self, sampler: Sampler, generator: torch.Generator) -> Tensor:
        """Return the largest quotient of a difference of logits and a distance of latents."""
        pairs = self.settings.pairs
        drawing = LatentDrawing("dot", self.draw, sampler, pairs, generator)
        others = sampler.latents(pairs, generator)
        differences = (drawing.logits(drawing.latents) - drawing.logits(others)).abs()
        largest: Tensor = (differences / (drawing.latents - others).norm(dim=1)).max()
        # Where the discriminator tells no samples apart, there is nowhere to go: no step is taken.
        return torch.where(largest > 0, largest, torch.full_like(largest, torch.inf))


def _across(gradient: Tensor, latents: Tensor) -> Tensor:
    """Return what remains of gradients (B, latent_dim) without the parts along the latents."""
    squares = latents.square().sum(1, keepdim=True).clamp(min=torch.finfo(latents.dtype).tiny)
    return gradient - latents * (gradient * latents).sum(1, keepdim=True) / squares
