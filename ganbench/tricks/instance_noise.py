# SPDX-License-Identifier: MIT
"""Instance noise: real and fake examples are blurred until they overlap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from pydantic import Field

from ganbench.config import Recipe
from ganbench.errors import ConfigError
from ganbench.gan import GAN, DataSpec
from ganbench.moving import Moving, Number
from ganbench.registry import register
from ganbench.state import State
from ganbench.trick import Trick
from ganbench.tricks.diffaugment import refuse_further_images
from ganbench.turn import Scored, Seen, Turn


@register("instance-noise")
@dataclass(frozen=True)
class InstanceNoise(Trick):
    """Adds Gaussian noise to everything that the discriminator sees, less and less over training.

    Paper: Sonderby et al., 2017, arXiv:1610.04490

    ``D(x + e)`` with e ~ N(0, s^2); s falls linearly from ``sigma`` to 0 at ``until``, a share of
    the images of training, and stays there. ``sigma`` is in the units of the data: 0.1 for images
    in [-1, 1]. A ``sigma`` that moves is s itself, and ``until`` has no meaning then.
    """

    sigma: Annotated[Number, Field(ge=0)] = 0.1
    until: Annotated[float, Field(gt=0)] = 1.0

    neutral: ClassVar = {"sigma": 0.0}

    def check(self, gan: GAN, recipe: Recipe, data: DataSpec) -> None:
        """Refuse two schedules for one number.

        Raises:
            ConfigError: ``sigma`` moves by itself, and ``until`` is set as well.
        """
        if isinstance(self.sigma, Moving) and self.until != 1.0:
            raise ConfigError(
                f"instance-noise: sigma moves by itself ({self.sigma}), so until cannot be set.",
                "Remove until, and write where sigma arrives: sigma=0.1->0@50:linear",
            )

    def see(self, seen: Seen, scored: Scored, turn: Turn) -> Seen:
        """Return images (B, *shape) with newly drawn noise, and their condition.

        Raises:
            ConfigError: The discriminator is shown several images of each example.
        """
        sigma = self.sigma_now(turn.state)
        if not sigma:
            return seen
        refuse_further_images("instance-noise", seen.condition)
        images = seen.images
        noise = torch.randn(
            images.shape, generator=turn.random(self), device=images.device, dtype=images.dtype
        )
        return seen.replace(images=images + sigma * noise)

    def sigma_now(self, state: State) -> float:
        """Return the current standard deviation of the noise, in the units of the data."""
        if isinstance(self.sigma, Moving):
            return state.now(self.sigma)
        share = state.images_seen / (1000 * state.recipe.kimg)
        return self.sigma * max(0.0, 1.0 - share / self.until)
