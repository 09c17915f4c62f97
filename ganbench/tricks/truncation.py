# SPDX-License-Identifier: MIT
"""The truncation trick: quality for variety, by the latents that samples are drawn from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from ganbench.gan import Sampler
from ganbench.registry import register
from ganbench.state import State
from ganbench.trick import Trick


@register("truncation")
@dataclass(frozen=True)
class Truncation(Trick):
    """Draws again each value of a latent that lies outside [-psi, psi]; training is unchanged.

    Paper: Brock, Donahue and Simonyan, 2019, arXiv:1809.11096

    Smaller ``psi``, usually 0.5 to 1, gives samples that are more typical and less varied. The
    values of a latent must be independent and alike, as in both priors.
    """

    psi: Annotated[float, Field(ge=1e-3)] = 1.0

    neutral: ClassVar = {"psi": 1e30}

    def sampler(self, sampler: Sampler, state: State) -> Sampler:
        """Replace the latents by truncated ones."""
        prior = sampler.latents

        def truncated(count: int, generator: torch.Generator) -> Tensor:
            latents = prior(count, generator).clone()  # (count, latent_dim)
            outside = latents.abs() > self.psi
            while missing := int(outside.sum()):
                fresh = prior(count, generator)
                fresh = fresh[fresh.abs() <= self.psi][:missing]
                places = outside.nonzero()[: len(fresh)]  # (n, 2)
                latents[places[:, 0], places[:, 1]] = fresh
                outside = latents.abs() > self.psi
            return latents

        return sampler.replace(latents=truncated)
