# SPDX-License-Identifier: MIT
"""Gradient clipping: no update is made from a longer gradient than a limit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from pydantic import Field

from ganbench.registry import register
from ganbench.trick import Trick
from ganbench.turn import Turn


@register("gradient-clipping")
@dataclass(frozen=True)
class GradientClipping(Trick):
    """Shortens each player's gradient to a limit, without a change of its direction.

    Paper: Pascanu, Mikolov and Bengio, 2013, arXiv:1211.5063

    ``g <- g * min(1, norm / |g|)``, with the norm of all weights of the player together, partners
    included. ``norm`` is 5 for both players in the code of TransGAN (arXiv:2102.07074); the
    statistics hold the norms before clipping, from which to choose it. Adam undoes a factor that
    stays the same, so the limit matters where gradients vary.
    """

    norm: Annotated[float, Field(gt=0)] = 5.0

    neutral: ClassVar = {"norm": 1e30}

    def gradients(self, turn: Turn) -> None:
        """Shorten the gradients of the player."""
        weights = turn.state.parameters(turn.role)
        gradients = [weight.grad for weight in weights if weight.grad is not None]
        if not gradients:  # the contract has a sentence for a player without gradients
            return
        norm = torch.stack([gradient.norm() for gradient in gradients]).norm()
        for gradient in gradients:
            gradient.mul_((self.norm / norm).clamp(max=1.0))  # exact at 1, also where the norm is 0
        turn.state.statistics.add(f"gradient-clipping/{turn.role}", norm)
