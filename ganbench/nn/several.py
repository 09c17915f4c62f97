# SPDX-License-Identifier: MIT
"""Several discriminators, and several generators that share all layers but their first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ganbench.errors import ConfigError
from ganbench.gan import Condition


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

    A first layer is linear with a ReLU behind it. Without the ReLU, all generators would be one
    nonlinear function, of different affine maps of the noise.

    Args:
        network: The shared layers: maps (B, hidden) to (B, *shape).
        noise: The size of the noise.
        hidden: The number of values that each first layer makes of the noise.
        number: The number of generators.
    """

    def __init__(self, network: nn.Module, noise: int, hidden: int, number: int) -> None:
        super().__init__()
        self.network = network
        self.noise = noise
        self.hidden = hidden
        self.first = nn.Linear(noise, number * hidden)

    def forward(self, latents: Tensor) -> Tensor:
        """Map latents (B, noise + number) to (B, *shape)."""
        noise, chosen = latents[:, : self.noise], latents[:, self.noise :]
        each = self.first(noise).relu().unflatten(1, (-1, self.hidden))  # (B, number, hidden)
        examples: Tensor = self.network((chosen[:, :, None] * each).sum(1))
        return examples
