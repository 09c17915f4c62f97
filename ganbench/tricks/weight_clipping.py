# SPDX-License-Identifier: MIT
"""Weight clipping: the original way to keep a critic Lipschitz."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from pydantic import Field

from ganbench.moving import Number
from ganbench.registry import register
from ganbench.trick import Trick
from ganbench.turn import Turn


@register("weight-clipping")
@dataclass(frozen=True)
class WeightClipping(Trick):
    """Clips each weight of the discriminator to [-limit, limit] after each of its updates.

    Paper: Arjovsky, Chintala and Bottou, 2017, arXiv:1701.07875

    The paper uses a ``limit`` of 0.01 with RMSprop at 5e-5 and five critic steps.
    """

    limit: Annotated[Number, Field(gt=0)] = 0.01

    neutral: ClassVar = {"limit": 1e30}

    @torch.no_grad()
    def after_step(self, turn: Turn) -> None:
        """Clip the weights once the discriminator has moved."""
        if turn.role == "discriminator":
            limit = turn.state.now(self.limit)
            for weight in turn.state.parameters("discriminator"):
                weight.clamp_(-limit, limit)
