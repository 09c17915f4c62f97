# SPDX-License-Identifier: MIT
"""Adversarial losses: pairs of pure functions on logits, each a sentence of its paper.

Logits are unbounded: D(x) = sigmoid(logit). ``softplus(-r)`` is -log D(x) and ``softplus(f)``
is -log(1 - D(G(z))), without the overflow that a sigmoid followed by a logarithm has.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import relu, softplus

from ganbench.errors import UnknownNameError, suggest
from ganbench.gan import Loss

_Part = Callable[[Tensor], Tensor]


def additive(name: str, *, real: _Part, fake: _Part, generator: _Part) -> Loss:
    """Return a loss whose discriminator's part is a cost of real plus a cost of fake logits.

    ``real``, ``fake`` and ``generator`` map logits (B, ...) to costs of the same shape, of
    which the mean is taken.
    """
    return Loss(
        name=name,
        discriminator=lambda r, f: real(r).mean() + fake(f).mean(),
        generator=lambda r, f: generator(f).mean(),
        real_part=real,
        fake_part=fake,
    )


non_saturating = additive(
    "non-saturating",
    real=lambda r: softplus(-r),
    fake=softplus,
    generator=lambda f: softplus(-f),
)
"""-log D(G(z)) for the generator (Goodfellow et al., 2014, arXiv:1406.2661, section 3)."""

minimax = additive(
    "minimax",
    real=lambda r: softplus(-r),
    fake=softplus,
    generator=lambda f: -softplus(f),
)
"""The value function itself: the generator minimizes log(1 - D(G(z))) (arXiv:1406.2661, eq. 1)."""

least_squares = additive(
    "least-squares",
    real=lambda r: 0.5 * (r - 1).square(),
    fake=lambda f: 0.5 * f.square(),
    generator=lambda f: 0.5 * (f - 1).square(),
)
"""Targets 1 and 0 on raw logits (Mao et al., 2017, arXiv:1611.04076, eq. 9)."""

hinge = additive(
    "hinge",
    real=lambda r: relu(1 - r),
    fake=lambda f: relu(1 + f),
    generator=torch.neg,
)
"""Margins of one (Lim and Ye, 2017, arXiv:1705.02894)."""

wasserstein = additive(
    "wasserstein",
    real=torch.neg,
    fake=lambda f: f,
    generator=torch.neg,
)
"""The critic's difference of means (Arjovsky et al., 2017, arXiv:1701.07875)."""

relativistic = Loss(
    name="relativistic",
    discriminator=lambda r, f: softplus(f - r).mean(),
    generator=lambda r, f: softplus(r - f).mean(),
    paired=True,
)
"""Each real logit against the fake one beside it (Jolicoeur-Martineau, 2018, arXiv:1807.00734)."""

LOSSES = {
    loss.name: loss
    for loss in (non_saturating, minimax, least_squares, hinge, wasserstein, relativistic)
}


def get(name: str) -> Loss:
    """Return the loss called ``name``.

    Raises:
        UnknownNameError: no such loss; the message suggests the nearest.
    """
    if name not in LOSSES:
        raise UnknownNameError(
            f"Unknown loss '{name}'. {suggest(name, LOSSES)}".strip(),
            f"There are: {', '.join(LOSSES)}.",
        )
    return LOSSES[name]
