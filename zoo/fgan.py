# SPDX-License-Identifier: MIT
"""f-GAN: the discriminator estimates an f-divergence between the data and the samples, any of them.

Paper: Nowozin et al., f-GAN: Training Generative Neural Samplers using Variational Divergence Minimization, 2016, arXiv:1606.00709

D_f(P, Q) is the largest value of E_P T(x) - E_Q f*(T(x)), where f* is the conjugate of f. The
discriminator is T(x) = g(V(x)), whose activation g maps a logit V to the domain of f*, growing with
it. A divergence is given here by -g(V), the cost of a logit as real, and f*(g(V)), its cost as fake.
The generator minimizes -g(V), as the paper advises, in place of -f*(g(V)), which ``--set
model.saturating=true`` selects.

Departs from the paper: networks and recipe are those of the backbone.
"""

from collections.abc import Callable
from math import log
from typing import Literal

from torch import Tensor
from torch.nn.functional import softplus

from ganbench import GAN, DataSpec, additive, build_backbone, register

Cost = Callable[[Tensor], Tensor]
Divergence = Literal[
    "kl",
    "reverse-kl",
    "pearson",
    "neyman",
    "squared-hellinger",
    "jensen-shannon",
    "gan",
    "total-variation",
]
COSTS: dict[Divergence, tuple[Cost, Cost]] = {
    "kl": (lambda v: -v, lambda v: (v - 1).exp()),
    "reverse-kl": (lambda v: (-v).exp(), lambda v: v - 1),
    "pearson": (lambda v: -v, lambda v: v.square() / 4 + v),
    "neyman": (lambda v: (-v).exp() - 1, lambda v: 2 - 2 * (-v / 2).exp()),
    "squared-hellinger": (lambda v: (-v).exp() - 1, lambda v: v.exp() - 1),
    "jensen-shannon": (lambda v: softplus(-v) - log(2), lambda v: softplus(v) - log(2)),
    "gan": (lambda v: softplus(-v), softplus),
    "total-variation": (lambda v: -v.tanh() / 2, lambda v: v.tanh() / 2),
}
"""The costs of a logit as real and as fake."""


@register
def fgan(
    data: DataSpec,
    *,
    backbone: str = "auto",
    divergence: Divergence = "kl",
    saturating: bool = False,
) -> GAN:
    """f-GAN: a discriminator that estimates an f-divergence."""
    networks = build_backbone(backbone, data)
    real, fake = COSTS[divergence]
    return GAN(
        generator=networks.generator,
        discriminator=networks.discriminator,
        loss=additive(
            f"f-gan-{divergence}",
            real=real,
            fake=fake,
            generator=(lambda v: -fake(v)) if saturating else real,
        ),
        recipe=networks.recipe,
    )
