# SPDX-License-Identifier: MIT
"""Multilayer perceptrons between vectors, images and points."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import prod

from torch import Tensor, nn

from ganbench.gan import Shape


class MLP(nn.Module):
    """Linear layers with LeakyReLU between them: maps (B, *inputs) to (B, *outputs).

    Args:
        inputs: Shape of an input.
        hidden: Widths of the hidden layers.
        outputs: Shape of an output.
        slope: Slope of the LeakyReLU below zero; 0 makes it a ReLU.
        last: Applied to the output, such as tanh for images.
    """

    def __init__(
        self,
        inputs: Shape,
        hidden: Sequence[int],
        outputs: Shape,
        *,
        slope: float = 0.2,
        last: nn.Module | None = None,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Flatten()]
        for width_in, width_out in pairwise([prod(inputs), *hidden]):
            layers += [nn.Linear(width_in, width_out), nn.LeakyReLU(slope, inplace=True)]
        layers.append(nn.Linear([prod(inputs), *hidden][-1], prod(outputs)))
        if last is not None:
            layers.append(last)
        self.layers = nn.Sequential(*layers)
        self.outputs = outputs

    def forward(self, inputs: Tensor) -> Tensor:
        """Map (B, *inputs) to (B, *outputs)."""
        outputs: Tensor = self.layers(inputs)
        return outputs.view(-1, *self.outputs)
