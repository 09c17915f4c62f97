# SPDX-License-Identifier: MIT
"""How a network is doing, in three numbers: its activations, its gradient and its weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from ganbench.state import State

_ROWS = 256
"""Of more examples the first are looked at."""


class ActivationMeter:
    """Takes the mean absolute output over the inner layers of networks, while they are watched."""

    def __init__(self) -> None:
        self._means: dict[str, list[Tensor]] = {}

    @contextmanager
    def watching(self, name: str, network: nn.Module) -> Iterator[None]:
        """Watch the layers that have no parts of their own, except the last."""
        layers = [module for module in network.modules() if not any(module.children())]
        means = self._means.setdefault(name, [])

        def seen(layer: nn.Module, inputs: Any, output: Any) -> None:
            if isinstance(output, Tensor) and output.is_floating_point():
                means.append(output.detach()[:_ROWS].abs().mean())

        handles = [layer.register_forward_hook(seen) for layer in layers[:-1]]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def mean(self, name: str) -> float | None:
        """Return the mean over all that was seen of a network; None where nothing was."""
        means = self._means.get(name)
        return float(torch.stack(means).float().mean()) if means else None


def box_statistics(state: State, meter: ActivationMeter) -> dict[str, dict[str, float | None]]:
    """Return ``activation``, ``gradient_norm`` and ``weight_norm`` of both players, by player.

    The gradient is that of the last update, as the optimizer got it; None before the first.
    """
    players = {"generator": state.generator, "discriminator": state.discriminator}
    boxes: dict[str, dict[str, float | None]] = {}
    for name, network in players.items():
        weights = [weight.detach() for weight in network.parameters()]
        gradients = [weight.grad for weight in network.parameters() if weight.grad is not None]
        boxes[name] = {
            "activation": meter.mean(name),
            "gradient_norm": _norm(gradients) if gradients else None,
            "weight_norm": _norm(weights) if weights else None,
        }
    return boxes


def _norm(tensors: list[Tensor]) -> float:
    norms = torch._foreach_norm(tensors)
    return float(torch.stack([norm.float() for norm in norms]).norm())
