# SPDX-License-Identifier: MIT
"""Gradient normalization: the discriminator is divided by its slope, and becomes 1-Lipschitz."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ganbench.gan import Condition, DataSpec, DiscriminatorFactory, Shape
from ganbench.nn.synchronized import has_batch_norm
from ganbench.registry import register
from ganbench.state import State
from ganbench.trick import Trick, TrickState, refusal
from ganbench.tricks.gradient_penalty import row_norms


@register("gradient-normalization")
@dataclass(frozen=True)
class GradientNormalization(Trick):
    """Divides the discriminator's logits by the norm of their gradient plus their own size.

    Paper: Wu, Shuai, Tam and Chiu, 2021, arXiv:2109.02235

    ``D(x) / (|grad D(x)| + |D(x)|)``, in [-1, 1], in every pass. Both players differentiate through
    the gradient, so that a pass costs about twice as much. Where the discriminator gives several
    logits for an example, the gradient is that of their mean, and |D(x)| that of each. With batch
    normalization it is the gradient of the sum over the batch, and the slope is not bounded.
    """

    differentiates: ClassVar = True

    def start(self, state: State) -> TrickState:
        """Refuse what differentiates the normalized logits again, where torch cannot.

        Raises:
            ConfigError: The discriminator has batch normalization, and a trick or the model
                differentiates it.
        """
        having = state.tricks.having
        terms = [hooks for hooks in having("discriminator_terms") if hooks.differentiates]
        others = [*terms, *having("opponent"), *having("latents"), *having("step_rule")]
        if others and has_batch_norm(state.discriminator):
            raise refusal(
                "gradient-normalization",
                others,
                "gradient-normalization cannot be differentiated by {others} in a discriminator "
                "with batch normalization, which has no third derivative in torch.",
            )
        return {}

    def wrap_discriminator(
        self, build: DiscriminatorFactory, data: DataSpec
    ) -> DiscriminatorFactory:
        """Normalize the logits of the discriminator."""

        def normalized(shape: Shape) -> nn.Module:
            return Normalized(build(shape))

        return normalized


class Normalized(nn.Module):
    """A discriminator whose logits are divided by the norm of their gradient plus their size."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor, *condition: Condition) -> Tensor | tuple[Tensor, Any]:
        """Map examples (B, *shape) and their condition to logits (B, ...), and pass extras on."""
        with torch.enable_grad():
            images = images if images.requires_grad else images.detach().requires_grad_()
            output = self.network(images, *condition)
            logits, *extras = output if isinstance(output, tuple) else (output,)
            total = logits.flatten(1).mean(1).sum() if logits.ndim > 1 else logits.sum()
            (gradient,) = torch.autograd.grad(total, images, create_graph=True)
            norms = row_norms(gradient.flatten(1)).reshape(-1, *[1] * (logits.ndim - 1))
            logits = logits / (norms + logits.abs())
        return (logits, *extras) if extras else logits
