# SPDX-License-Identifier: MIT
"""Where the generator's loss pushes each fake: minus its gradient, as an arrow."""

from __future__ import annotations

import torch
from torch import Tensor

from ganbench.gan import Batch
from ganbench.lab.fixed_latents import FixedLatents
from ganbench.state import State
from ganbench.step import generator_objective
from ganbench.turn import Turn


def generator_arrows(state: State, fixed: FixedLatents, reals: Batch) -> Tensor:
    """Return minus the gradient of the generator's loss at each fake, (n, *shape).

    It is the loss that the generator is trained on, with all its terms, over these fakes as a
    batch; each gradient is that of the fake's own share, so that it does not depend on n.

    Args:
        state: The training state, whose random streams are set aside.
        fixed: The latents (n, latent_dim) of the fakes.
        reals: As many real examples, for losses that compare.
    """
    batch = Batch(reals.images, fixed.labels, fixed.sources)
    turn = Turn(state, "generator", batch)
    vars(turn)["latents"] = fixed.latents
    with torch.enable_grad():
        total = torch.stack([term.sum() for term in generator_objective(turn).values()]).sum()
        (gradient,) = torch.autograd.grad(total, turn.fake.images)
    return -len(fixed) * gradient
