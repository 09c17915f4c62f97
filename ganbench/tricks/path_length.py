# SPDX-License-Identifier: MIT
"""Path length regularization: steps of one length in the latents change images equally much."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from ganbench.errors import ConfigError
from ganbench.moving import Number
from ganbench.nn.style_networks import StyleGenerator
from ganbench.registry import register
from ganbench.state import State
from ganbench.trick import Hooks, Terms, Trick, TrickState
from ganbench.turn import Turn


@register("path-length")
@dataclass(frozen=True)
class PathLength(Trick):
    """Keeps the lengths of the generator's slopes near their running mean.

    Paper: Karras et al., 2020, arXiv:1912.04958

    Adds ``weight * E (|J^T y| - a)^2`` to the generator's loss, for the Jacobian J of the image in
    its styles, or in its latent where the generator has no styles, and an image y of normal values
    with the deviation 1 / sqrt(H * W), so that lengths do not grow with the image. The mean length
    ``a`` moves by ``mean_step`` toward the lengths of each update, which it already counts. The
    term is due in every n-th update (``every``), and n times as strong. ``weight`` is 2, ``every``
    4 and ``mean_step`` 0.01. It costs another pass through the generator. Images have many values,
    and a y nearly always has the same length; that of points varies, and the term draws all slopes
    of their generator down.
    """

    weight: Annotated[Number, Field(ge=0)] = 2.0
    every: Annotated[int, Field(ge=1)] = 4
    mean_step: Annotated[float, Field(gt=0, le=1)] = 0.01

    neutral: ClassVar = {"weight": 0.0}
    differentiates: ClassVar = True

    def start(self, state: State) -> TrickState:
        """Begin with a mean length of zero."""
        return {"mean": torch.zeros((), device=state.device)}

    def generator_terms(self, turn: Turn) -> Terms:
        """Return the penalty in updates in which it is due."""
        weight = turn.state.now(self.weight)
        if not weight or turn.state.updates["generator"] % self.every:
            return {}
        latents = turn.latents.detach().requires_grad_()
        images, made = turn.make(latents, turn.condition)
        codes = made if isinstance(turn.state.generator, StyleGenerator) else latents
        lengths = path_lengths(images, codes, turn.random(self))
        unevenness = unevenness_of(lengths, self, turn, mean_step=self.mean_step)
        return {"path": weight * self.every * unevenness}

    def after_step(self, turn: Turn) -> None:
        """Keep the mean length that the update was made with."""
        turn.state.memory_of(self).update(turn.notes_of(self))


def path_lengths(images: Tensor, codes: Tensor, stream: torch.Generator) -> Tensor:
    """Return |J^T y| for each image (B,), with a random image y for each.

    Args:
        images: Images (B, *shape) that were made from the codes.
        codes: Latents (B, values), or styles (B, layers, values), over which squares are averaged.
        stream: The random stream of the images y.

    Raises:
        ConfigError: The images do not depend on the codes.
    """
    noise = torch.randn(images.shape, generator=stream, device=images.device, dtype=images.dtype)
    projected = (images * noise).sum() / sqrt(images[0, 0].numel())
    (gradients,) = torch.autograd.grad(projected, codes, create_graph=True, allow_unused=True)
    if gradients is None:
        raise ConfigError(
            "path-length measures how examples change with their latents, and this model's do not.",
            "Remove the trick: --trick path-length:off",
        )
    squares = gradients.to(images.dtype).square().sum(-1)  # images are float32 or wider
    if squares.ndim > 1:
        squares = squares.mean(1)  # (B, layers) -> (B,)
    lengths: Tensor = squares.sqrt()
    return lengths


def unevenness_of(lengths: Tensor, hooks: Hooks, turn: Turn, *, mean_step: float) -> Tensor:
    """Return the mean square of lengths (B,) less their running mean, a scalar.

    The hooks have gathered the running mean as ``mean``, and note it as the lengths have moved it.

    Args:
        lengths: The lengths.
        hooks: The trick or the variant.
        turn: The generator's turn.
        mean_step: The share of the way from the mean to the lengths of an update.
    """
    mean = turn.state.tensor_of(hooks, "mean")
    (observed,) = turn.state.group.average([lengths.detach().mean()])
    mean = turn.notes_of(hooks)["mean"] = mean.lerp(observed, mean_step)
    return (lengths - mean).square().mean()
