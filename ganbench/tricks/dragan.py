# SPDX-License-Identifier: MIT
"""DRAGAN's gradient penalty: the discriminator's slope is near one around the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from ganbench.moving import Number
from ganbench.registry import register
from ganbench.trick import Terms, Trick
from ganbench.tricks.gradient_penalty import row_norms
from ganbench.turn import Turn


@register("dragan")
@dataclass(frozen=True)
class DRAGAN(Trick):
    """Keeps the norm of the discriminator's gradient near one at noisy real examples.

    Paper: Kodali, Abernethy, Hays and Kira, 2017, arXiv:1705.07215

    Adds ``weight * E (|grad D(x + d)| - 1)^2`` to the discriminator's loss. The noise is as in the
    authors' code, ``d = scale * std * u * v``: std is the standard deviation of all values of the
    batch; u for each example, and v for each of its values, are uniform in [0, 1). So it
    moves all values to one side; the paper writes normal noise. ``weight`` (lambda) is 10,
    ``scale`` 0.5.
    """

    weight: Annotated[Number, Field(ge=0)] = 10.0
    scale: Annotated[float, Field(ge=0)] = 0.5

    neutral: ClassVar = {"weight": 0.0}
    differentiates: ClassVar = True

    def discriminator_terms(self, turn: Turn) -> Terms:
        """Return the penalty, or nothing at a weight of zero."""
        weight = turn.state.now(self.weight)
        if not weight:
            return {}
        real = turn.real
        around = turn.judge(self._perturbed(real.images.detach(), turn), real.seen.condition)
        return {"penalty": weight * (row_norms(around.gradients) - 1).square().mean()}

    def _perturbed(self, images: Tensor, turn: Turn) -> Tensor:
        """Return real examples (B, ...) with noise."""
        stream = turn.random(self)
        size = (len(images), *[1] * (images.ndim - 1))
        share = torch.rand(size, generator=stream, device=images.device, dtype=images.dtype)
        noise = torch.rand(images.shape, generator=stream, device=images.device, dtype=images.dtype)
        # Moments, because the mean over the parts of a batch is that over the whole.
        mean, square = turn.state.group.average([images.mean(), images.square().mean()])
        deviation = (square - mean.square()).clamp(min=0).sqrt()
        return images + share * self.scale * deviation * noise
