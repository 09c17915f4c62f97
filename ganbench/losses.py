# SPDX-License-Identifier: MIT
"""Adversarial losses: pairs of pure functions of logits, each in the words of its paper.

Your own loss is a value that is registered like these, here or in your own file, which
``--set loss=./myloss.py`` selects.

Logits are unbounded: D(x) = sigmoid(logit). ``softplus(-r)`` is -log D(x) and ``softplus(f)``
is -log(1 - D(G(z))), without the overflow of a sigmoid followed by a logarithm.
"""

from __future__ import annotations

import torch
from torch.nn.functional import relu, softplus

from ganbench.gan import LogitCost, Loss
from ganbench.registry import register


def additive(name: str, *, real: LogitCost, fake: LogitCost, generator: LogitCost) -> Loss:
    """Return a loss whose discriminator part is a cost of real plus a cost of fake logits.

    The mean of each cost over all logits is minimized.

    Args:
        name: The name that the loss is registered and recorded under.
        real: Maps real logits (B, ...) to the discriminator's costs, of the same shape.
        fake: Maps fake logits (B, ...) to the discriminator's costs.
        generator: Maps fake logits (B, ...) to the generator's costs.
    """
    return Loss(
        name=name,
        discriminator=lambda r, f: real(r).mean() + fake(f).mean(),
        generator=lambda r, f: generator(f).mean(),
        real_part=real,
        fake_part=fake,
    )


non_saturating = register(
    additive(
        "non-saturating",
        real=lambda r: softplus(-r),
        fake=softplus,
        generator=lambda f: softplus(-f),
    )
)
"""Non-saturating: the generator minimizes -log D(G(z)).

Paper: Goodfellow et al., 2014, arXiv:1406.2661

Section 3: its gradient does not vanish where the discriminator is sure.
"""

minimax = register(
    additive(
        "minimax",
        real=lambda r: softplus(-r),
        fake=softplus,
        generator=lambda f: -softplus(f),
    )
)
"""Minimax, the value function itself: the generator minimizes log(1 - D(G(z))).

Paper: Goodfellow et al., 2014, arXiv:1406.2661

Equation 1.
"""

least_squares = register(
    additive(
        "least-squares",
        real=lambda r: 0.5 * (r - 1).square(),
        fake=lambda f: 0.5 * f.square(),
        generator=lambda f: 0.5 * (f - 1).square(),
    )
)
"""Least squares: targets 1 and 0 on raw logits.

Paper: Mao et al., 2017, arXiv:1611.04076

Equation 9.
"""

hinge = register(
    additive(
        "hinge",
        real=lambda r: relu(1 - r),
        fake=lambda f: relu(1 + f),
        generator=torch.neg,
    )
)
"""Hinge: margins of one.

Paper: Lim and Ye, 2017, arXiv:1705.02894
"""

wasserstein = register(
    additive(
        "wasserstein",
        real=torch.neg,
        fake=lambda f: f,
        generator=torch.neg,
    )
)
"""Wasserstein: the critic's difference of means.

Paper: Arjovsky et al., 2017, arXiv:1701.07875

It needs a critic of bounded slope, which the tricks gradient-penalty and weight-clipping provide.
"""

relativistic = register(
    Loss(
        name="relativistic",
        discriminator=lambda r, f: softplus(f - r).mean(),
        generator=lambda r, f: softplus(r - f).mean(),
        paired=True,
    )
)
"""Relativistic: each real logit against the fake logit in the same row.

Paper: Jolicoeur-Martineau, 2018, arXiv:1807.00734
"""

relativistic_average = register(
    Loss(
        name="relativistic-average",
        discriminator=lambda r, f: softplus(f.mean() - r).mean() + softplus(f - r.mean()).mean(),
        generator=lambda r, f: softplus(r.mean() - f).mean() + softplus(r - f.mean()).mean(),
        paired=True,
        mean=False,
    )
)
"""Relativistic average: each logit against the mean logit of the other kind.

Paper: Jolicoeur-Martineau, 2018, arXiv:1807.00734

The mean is that of the batch.
"""
