# SPDX-License-Identifier: MIT
"""Residual convolutions along time for sequences of tokens (arXiv:1704.00028, appendix C)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from ganbench.gan import Shape


class TokenGenerator(nn.Module):
    """Draws tokens from softmax distributions, relaxed so that gradients pass (arXiv:1611.01144).

    Maps (B, latent_dim) to columns (B, *shape) that are positive and sum to one: the softmax of
    (log-odds + Gumbel noise) / temperature. The highest value of a column is at a token that is
    drawn from the softmax of the log-odds, whatever the temperature. The noise comes from torch's
    global stream. The buffer ``temperature`` may be set at any time.

    Args:
        latent_dim: Size of a latent.
        shape: (C, L): C tokens, L places.
        temperature: Columns are close to one-hot where it is small.
        straight_through: Give one-hot columns with the gradient of the relaxed ones.
        width: Channels of the maps.
    """

    temperature: Tensor

    def __init__(
        self,
        latent_dim: int,
        shape: Shape,
        *,
        temperature: float,
        straight_through: bool = False,
        width: int = 64,
    ) -> None:
        super().__init__()
        self.register_buffer("temperature", torch.tensor(float(temperature)))
        self.straight_through = straight_through
        self.project = nn.Linear(latent_dim, width * shape[1])
        self.blocks = nn.Sequential(ResidualBlock(width), ResidualBlock(width))
        self.score = nn.Conv1d(width, shape[0], 1)

    def forward(self, latents: Tensor) -> Tensor:
        """Map (B, latent_dim) to (B, *shape)."""
        maps = self.project(latents).unflatten(1, (-1, self._places))  # (B, width, L)
        log_odds = self.score(self.blocks(maps)).float()  # (B, C, L)
        noise = -torch.empty_like(log_odds).exponential_().log()
        perturbed = log_odds + noise
        relaxed: Tensor = (perturbed / self.temperature).softmax(1)
        if not self.straight_through:
            return relaxed
        hard = one_hot(relaxed.argmax(1), relaxed.shape[1]).transpose(1, 2)  # (B, C, L)
        return hard + (relaxed - relaxed.detach())  # exactly zeros and ones

    @property
    def _places(self) -> int:
        return self.project.out_features // self.score.in_channels


class TokenDiscriminator(nn.Module):
    """Residual convolutions, then a linear layer: maps (B, *shape) to logits (B, 1).

    Args:
        shape: (C, L): C tokens, L places.
        width: Channels of the maps.
    """

    def __init__(self, shape: Shape, *, width: int = 64) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(shape[0], width, 1),
            ResidualBlock(width),
            ResidualBlock(width),
            nn.Flatten(),
            nn.Linear(width * shape[1], 1),
        )

    def forward(self, columns: Tensor) -> Tensor:
        """Map (B, *shape) to logits (B, 1)."""
        logits: Tensor = self.layers(columns)
        return logits


class ResidualBlock(nn.Module):
    """Two convolutions along time, added to their input at 0.3: maps (B, C, L) to (B, C, L)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.ReLU(),
            nn.Conv1d(width, width, 5, padding=2),
            nn.ReLU(),
            nn.Conv1d(width, width, 5, padding=2),
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Map (B, C, L) to (B, C, L)."""
        added: Tensor = maps + 0.3 * self.layers(maps)
        return added
