# SPDX-License-Identifier: MIT
"""Several discriminators, and several generators that share all layers but their first."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Any

import torch
from torch import Tensor, nn

from ganbench.errors import ConfigError
from ganbench.gan import Condition, GeneratorFactory


class SeveralDiscriminators(nn.Module):
    """Discriminators of the same examples: maps (B, *shape) to logits (B, number).

    Args:
        networks: Each maps (B, *shape), and perhaps a condition, to logits (B, ...).
    """

    logit_layer = None
    judges = "networks"

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, examples: Tensor, *condition: Condition) -> Tensor:
        """Map (B, *shape), and perhaps their condition, to logits (B, number).

        Raises:
            ConfigError: A discriminator returns more than logits.
        """
        return side_by_side([network(examples, *condition) for network in self.networks])


def side_by_side(outputs: Sequence[Tensor | tuple[Tensor, Any]]) -> Tensor:
    """Return the logits (B, ...) of several discriminators as (B, number).

    Raises:
        ConfigError: A discriminator returns more than logits.
    """
    logits: list[Tensor] = []
    for output in outputs:
        if isinstance(output, tuple):
            raise ConfigError(
                "Several discriminators give logits each, and this model's returns more than "
                "logits.",
                "Remove the trick that adds discriminators, or choose another model.",
            )
        logits.append(output.reshape(len(output), -1))
    return torch.cat(logits, 1)


class SeveralGenerators(nn.Module):
    """Generators with a first layer of their own each, and the same layers behind it.

    Maps latents (B, noise + number) to (B, *shape): the last values of a latent are a one-hot
    vector, which says which generator makes the example.

    The network has ``noise + 1`` inputs for each generator: those of the chosen one are the noise
    and a one, all others are zero. So its first layer, if that is linear, holds an affine layer for
    each. The inputs are scaled to a mean square of 1, as those of a single generator have it.

    Args:
        build: Builds the network from its number of inputs; it maps (B, inputs) to (B, *shape).
        noise: The size of the noise.
        number: The number of generators.
    """

    def __init__(self, build: GeneratorFactory, noise: int, number: int) -> None:
        super().__init__()
        self.noise = noise
        self.number = number
        self.network = build(number * (noise + 1))

    def forward(self, latents: Tensor) -> Tensor:
        """Map latents (B, noise + number) to (B, *shape)."""
        noise, chosen = latents[:, : self.noise], latents[:, self.noise :]
        own = torch.cat([noise, torch.ones_like(noise[:, :1])], 1)  # (B, noise + 1)
        places = sqrt(self.number) * chosen[:, :, None]  # (B, number, 1)
        examples: Tensor = self.network((places * own[:, None]).flatten(1))
        return examples
