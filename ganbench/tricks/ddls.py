# SPDX-License-Identifier: MIT
"""DDLS: latents walk to where both the prior and the discriminator expect real examples."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from ganbench.config import Recipe
from ganbench.errors import ConfigError
from ganbench.gan import GAN, Batch, DataSpec, Draw, Prior, Sampler
from ganbench.nn.mirror import mirrored
from ganbench.registry import register
from ganbench.state import State
from ganbench.trick import Trick, TrickState, refusal
from ganbench.tricks.drs import logit_of_each, require_single_logits
from ganbench.tricks.truncation import Truncation


@register("ddls")
@dataclass(frozen=True)
class DDLS(Trick):
    """Moves the latents of samples by Langevin steps that the discriminator drives.

    Paper: Che et al., 2020, arXiv:2003.06060

    ``z <- z - (rate / 2) grad E(z) + sqrt(rate) N(0, I)``, ``steps`` times, with the energy
    ``E(z) = -log p(z) - F(G(z))`` of the prior p and the logits F: discriminator-driven latent
    sampling. A uniform prior has no slope, and its bounds reflect latents. A step costs a backward
    pass through both networks. Steps that are too long are not corrected.

    The logit must be the log of a density ratio, as for ``drs``; with batch normalization in the
    discriminator it is not that of training, as there. Training is unchanged.
    """

    steps: Annotated[int, Field(ge=0)] = 100
    rate: Annotated[float, Field(gt=0)] = 0.05

    neutral: ClassVar = {"steps": 0}
    needs_ordered_logits: ClassVar = True

    def check(self, gan: GAN, recipe: Recipe, data: DataSpec) -> None:
        """Refuse a model with a prior of its own, whose density is not known.

        Raises:
            ConfigError: The model has a prior of its own.
        """
        require_plain_prior("ddls", gan.prior)

    def start(self, state: State) -> TrickState:
        """Refuse packs of samples, which share a logit, other corrections, and another prior.

        Raises:
            ConfigError: The discriminator judges packs, another trick corrects the samples, or
                replaces the latents.
        """
        require_single_logits("ddls", state)
        truncating = [hooks for hooks in state.tricks if isinstance(hooks, Truncation)]
        if truncating:
            raise refusal(
                "ddls",
                truncating,
                "ddls moves latents by the density of the prior, which {others} changes.",
            )
        return {}

    def sampler(self, sampler: Sampler, state: State) -> Sampler:
        """Draw with latents that have walked.

        Raises:
            ConfigError: The model has a prior of its own.
        """
        require_plain_prior("ddls", state.latent_prior)  # the trick may have been added later
        draw, normal = sampler.draw, state.recipe.prior == "normal"

        def walk(sampler: Sampler, count: int, generator: torch.Generator) -> Batch:
            drawing = LatentDrawing("ddls", draw, sampler, count, generator)
            latents = drawing.latents
            for _ in range(self.steps):
                _, slopes = drawing.logits_and_slopes(latents)
                drift = slopes - latents if normal else slopes
                noise = torch.randn(latents.shape, generator=generator, device=latents.device)
                latents = latents + 0.5 * self.rate * drift + self.rate**0.5 * noise
                if not normal:  # bounds at which latents stopped would gather them
                    latents = mirrored(latents + 1, 2) - 1
            return drawing.examples(latents)

        return sampler.replace(draw=walk)


class LatentDrawing:
    """One draw of examples as a function of their latents; classes and sources stay.

    Args:
        name: The name of the trick, for messages.
        draw: Draws examples with a sampler.
        sampler: The sampler that is finally used.
        count: The number of examples.
        generator: The random stream.
    """

    def __init__(
        self, name: str, draw: Draw, sampler: Sampler, count: int, generator: torch.Generator
    ) -> None:
        self.name, self.draw, self.count, self.generator = name, draw, count, generator
        self.latents = sampler.latents(count, generator)
        """The latents (count, latent_dim) from which the examples are made at first."""
        labels, sources = sampler.labels(count, generator), sampler.sources(count, generator)
        self.sampler = replace(
            sampler,
            labels=lambda count, generator: labels,
            sources=lambda count, generator: sources,
        )

    def examples(self, latents: Tensor) -> Batch:
        """Return the examples of latents (count, latent_dim)."""
        fixed = replace(self.sampler, latents=lambda count, generator: latents)
        return self.draw(fixed, self.count, self.generator)

    def logits(self, latents: Tensor) -> Tensor:
        """Return the logits (count,) of the examples of latents (count, latent_dim)."""
        return logit_of_each(self.name, self.sampler, self.examples(latents))

    def logits_and_slopes(self, latents: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits (count,) and their gradients in the latents (count, latent_dim).

        Raises:
            ConfigError: The generator ignores its latents.
        """
        with torch.enable_grad():
            latents = latents.detach().requires_grad_()
            logits = self.logits(latents)
            (slopes,) = torch.autograd.grad(logits.sum(), latents, allow_unused=True)
        if slopes is None:
            raise ConfigError(
                f"{self.name} moves latents, and this model's generator ignores them.",
                f"Remove the trick: --trick {self.name}:off",
            )
        return logits.detach(), slopes


def require_plain_prior(name: str, prior: Prior | None) -> None:
    """Refuse a model's own prior, for a trick that moves latents.

    Raises:
        ConfigError: The model has a prior of its own.
    """
    if prior is not None:
        raise ConfigError(
            f"{name} moves latents, and this model draws latents of its own, some of whose values "
            "may be codes.",
            f"Remove the trick: --trick {name}:off",
        )
