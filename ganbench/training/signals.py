# SPDX-License-Identifier: MIT
"""How much either player can still learn, at the end of a tick: what the health of a run needs.

Nothing is added to a step. The logits and the gradients that the last update has left behind are
looked at once per tick, when the device is waited for anyway.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ganbench.gan import LossFunction
from ganbench.runtime.process_group import ProcessGroup
from ganbench.state import State


def signals(state: State, group: ProcessGroup) -> dict[str, float]:
    """Return statistics of the last update, as far as they can be had and are finite.

    - ``signal/discriminator``, ``signal/generator``: the sum of the absolute slopes of the player's
      adversarial loss in the logits, as a share of their sum where all logits are zero, as those
      of a new discriminator nearly are.
    - ``gradient/generator``: the norm of the gradient in the generator's weights, as its optimizer
      got it.

    They are of the logits that the discriminator was last updated from. All processes that share a
    batch call this together, because a loss may exchange values among them.
    """
    values: dict[str, float] = {}
    real, fake = (state.statistics.last(f"logits/{kind}") for kind in ("real", "fake"))
    if real is not None and fake is not None:
        values["signal/discriminator"] = _left(state.loss.discriminator, real, fake, group)
        seen = real if state.loss.paired else real.new_empty(0)
        values["signal/generator"] = _left(state.loss.generator, seen, fake, group)
    gradients = [weight.grad for weight in state.generator.parameters() if weight.grad is not None]
    if gradients:
        norms = [torch.linalg.vector_norm(gradient.float()) for gradient in gradients]
        values["gradient/generator"] = torch.stack(norms).norm().item()
    return {name: value for name, value in values.items() if math.isfinite(value)}


def _left(loss: LossFunction, real: Tensor, fake: Tensor, group: ProcessGroup) -> float:
    """Return the slopes of a loss at some logits, as a share of those at zero; NaN without any."""
    slopes = torch.stack(
        [_slopes(loss, real, fake), _slopes(loss, torch.zeros_like(real), torch.zeros_like(fake))]
    )
    here, undecided = group.average([slopes])[0].tolist()
    return here / undecided if undecided and math.isfinite(undecided) else math.nan


def _slopes(loss: LossFunction, real: Tensor, fake: Tensor) -> Tensor:
    """Return the sum of the absolute slopes of a loss in all logits."""
    logits = [real.detach().requires_grad_(), fake.detach().requires_grad_()]
    with torch.enable_grad():
        value = loss(*logits)
        if not value.requires_grad:
            return value.new_zeros(())
        slopes = torch.autograd.grad(value, logits, allow_unused=True)
    present = [slope.abs().sum() for slope in slopes if slope is not None]
    return torch.stack(present).sum()
