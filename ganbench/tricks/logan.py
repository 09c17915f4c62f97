# SPDX-License-Identifier: MIT
"""LOGAN: latents take a step toward what the discriminator finds real, before they are used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from ganbench.config import Recipe
from ganbench.errors import ConfigError
from ganbench.gan import GAN, DataSpec
from ganbench.moving import Number
from ganbench.nn.synchronized import has_batch_norm
from ganbench.registry import register
from ganbench.state import State
from ganbench.trick import Trick, TrickState, hooks_name
from ganbench.turn import Turn


@register("logan")
@dataclass(frozen=True)
class LOGAN(Trick):
    """Optimizes the latents of both players' turns by one step of natural gradient ascent.

    Paper: Wu et al., 2019, arXiv:1912.00953

    ``z' = z + rate * (g g^T + damping * I)^-1 g = z + rate / (damping + |g|^2) * g`` with
    ``g = grad_z D(G(z))``. Both players differentiate through the step, which costs each turn
    another pass through both networks. Where the prior is uniform, z' is clipped to [-1, 1], as in
    the paper. ``rate`` (alpha) is 0.9, ``damping`` (beta) 0.1 to 5. Samples are drawn without the
    step. The paper's penalty on the length of the step is left out, and every latent takes it.
    """

    rate: Annotated[Number, Field(ge=0)] = 0.9
    damping: Annotated[float, Field(gt=0)] = 5.0

    neutral: ClassVar = {"rate": 0.0}
    needs_ordered_logits: ClassVar = True

    def check(self, gan: GAN, recipe: Recipe, data: DataSpec) -> None:
        """Refuse a model with a prior of its own, whose latents may hold codes.

        Raises:
            ConfigError: The model has a prior of its own.
        """
        if gan.prior is not None:
            raise ConfigError(
                "logan moves all values of a latent, and this model draws latents of its own, in "
                "which some values may be codes.",
                "Remove the trick: --trick logan:off",
            )

    def start(self, state: State) -> TrickState:
        """Refuse tricks that differentiate through the step a third time, which torch may not.

        Raises:
            ConfigError: There is such a trick, and a network has batch normalization.
        """
        networks = (state.generator, state.discriminator)
        for name in ("consensus", "symplectic", "unrolled"):
            if name in map(hooks_name, state.tricks) and any(map(has_batch_norm, networks)):
                raise ConfigError(
                    f"{name} cannot differentiate through the step of logan in networks with batch "
                    "normalization, which has no third derivative in torch.",
                    f"Remove one of them: --trick logan:off or --trick {name}:off",
                )
        return {}

    def latents(self, latents: Tensor, turn: Turn) -> Tensor:
        """Return the latents (B, latent_dim) after the step, with its graph.

        Raises:
            ConfigError: The generator ignores its latents.
        """
        rate = turn.state.now(self.rate)
        if not rate:
            return latents
        if not latents.requires_grad:
            latents = latents.detach().requires_grad_()
        # The discriminator as it is: that of an unrolled turn depends on these latents.
        judged = turn.generate(latents, discriminate=turn.state.discriminate)
        scores = judged.logits.flatten(1).mean(1) if judged.logits.ndim > 1 else judged.logits
        slope = self._slope(scores.sum(), latents)  # (B, latent_dim)
        square = slope.square().sum(1, keepdim=True)  # (B, 1)
        moved = latents + rate / (self.damping + square) * slope
        return moved.clamp(-1, 1) if turn.state.recipe.prior == "uniform" else moved

    def _slope(self, score: Tensor, latents: Tensor) -> Tensor:
        """Return the gradient of a score, a scalar, in latents (B, latent_dim), with its graph."""
        slope = None
        if score.requires_grad:
            (slope,) = torch.autograd.grad(score, latents, create_graph=True, allow_unused=True)
        if slope is None:
            raise ConfigError(
                "logan moves latents, and this model's generator ignores them.",
                "Remove the trick: --trick logan:off",
            )
        return slope
