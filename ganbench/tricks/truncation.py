# SPDX-License-Identifier: MIT
"""The truncation trick: it trades variety for quality through the latents of samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from ganbench.config import Recipe
from ganbench.errors import ConfigError
from ganbench.gan import GAN, DataSpec, Prior, Sampler
from ganbench.registry import register
from ganbench.state import State
from ganbench.trick import Trick


@register("truncation")
@dataclass(frozen=True)
class Truncation(Trick):
    """Redraws each value of a latent that lies outside [-psi, psi]; training is unchanged.

    Paper: Brock, Donahue and Simonyan, 2019, arXiv:1809.11096

    A smaller ``psi``, usually 0.5 to 1, gives samples that are more typical and less varied. The
    values of a latent must be independent and identically distributed, as in both priors of a
    recipe.
    """

    psi: Annotated[float, Field(ge=1e-3)] = 1.0

    neutral: ClassVar = {"psi": 1e30}

    def check(self, gan: GAN, recipe: Recipe, data: DataSpec) -> None:
        """Refuse a model with a prior of its own, whose values may not be alike.

        Raises:
            ConfigError: The model has a prior of its own.
        """
        _refuse(gan.prior)

    def sampler(self, sampler: Sampler, state: State) -> Sampler:
        """Replace the latents with truncated ones.

        Raises:
            ConfigError: The model has a prior of its own.
        """
        _refuse(state.latent_prior)  # the trick may have been added after training
        prior = sampler.latents

        def truncated(count: int, generator: torch.Generator) -> Tensor:
            latents = prior(count, generator).clone()  # (count, latent_dim)
            outside = latents.abs() > self.psi
            while missing := int(outside.sum()):
                redrawn = prior(count, generator)
                redrawn = redrawn[redrawn.abs() <= self.psi][:missing]  # (n,)
                places = outside.nonzero()[: len(redrawn)]  # (n, 2)
                latents[places[:, 0], places[:, 1]] = redrawn
                outside = latents.abs() > self.psi
            return latents

        return sampler.replace(latents=truncated)


def _refuse(prior: Prior | None) -> None:
    """Refuse a model's own prior."""
    if prior is not None:
        raise ConfigError(
            "truncation redraws single values of a latent, and this model draws latents of its "
            "own, whose values may depend on each other.",
            "Remove the trick: --trick truncation:off",
        )
