# SPDX-License-Identifier: MIT
"""Optimizers, built from their description in a recipe."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ganbench.config import OptimizerSpec
from ganbench.moving import Moving, recorded


def make_optimizer(spec: OptimizerSpec, parameters: Sequence[nn.Parameter]) -> Optimizer:
    """Build a torch optimizer; each group remembers its ``initial_lr`` for the schedule.

    The ``initial_lr`` of a learning rate that moves is its text. Adam and SGD run fused: one pass
    over the weights instead of one for each operation.
    """
    weights = list(parameters)
    initial = spec.learning_rate
    rate = initial.start if isinstance(initial, Moving) else initial
    optimizer: Optimizer
    if spec.kind == "adam":
        optimizer = FusedAdam(
            weights,
            lr=rate,
            betas=spec.betas,
            weight_decay=spec.weight_decay,
            fused=True,
        )
    elif spec.kind == "sgd":
        optimizer = _sgd(spec, weights, rate)
    else:
        optimizer = PlainRMSprop(
            weights,
            lr=rate,
            alpha=spec.alpha,
            weight_decay=spec.weight_decay,
            foreach=True,
        )
    for group in optimizer.param_groups:
        group["initial_lr"] = recorded(initial)
    return optimizer


class WithoutCompiler(Optimizer):
    """What torch wraps so that its compiler leaves it alone, without the wrappers.

    The wrappers import the compiler, which takes a second of processor time, even where nothing is
    ever compiled. An optimizer of torch that inherits from this class first does the same without.
    """

    add_param_group = inspect.unwrap(Optimizer.add_param_group)
    state_dict = inspect.unwrap(Optimizer.state_dict)
    load_state_dict = inspect.unwrap(Optimizer.load_state_dict)
    zero_grad = inspect.unwrap(Optimizer.zero_grad)

    def step(self, closure: Any = None) -> Any:
        """Move the weights by their gradients."""
        with torch.no_grad():
            return inspect.unwrap(super().step)(self, closure)


class PlainSGD(WithoutCompiler, torch.optim.SGD):
    """torch's SGD, without torch's compiler."""


class PlainRMSprop(WithoutCompiler, torch.optim.RMSprop):
    """torch's RMSprop, without torch's compiler."""


class FusedAdam(WithoutCompiler, torch.optim.Adam):
    """torch's fused Adam, except that it gathers its lists of tensors once, not in every step.

    Gathering them takes half the time of a step of small networks. The state is the same as that
    of ``torch.optim.Adam``.
    """

    def __init__(self, weights: list[nn.Parameter], **settings: Any) -> None:
        super().__init__(weights, **settings)
        self._gathered: list[list[Tensor]] | None = None

    def step(self, closure: Any = None) -> Any:
        """Move the weights by their gradients."""
        (group,) = self.param_groups
        weights = group["params"]
        gradients = [weight.grad for weight in weights]
        if self._gathered is None or closure or any(gradient is None for gradient in gradients):
            loss = super().step(closure)  # creates the state of weights that have none yet
            self._gathered = self._gather(weights)
            return loss
        averages, squares, counts = self._gathered
        with torch.no_grad():
            torch._foreach_add_(counts, 1)
            torch._fused_adam_(
                weights,
                gradients,
                averages,
                squares,
                [],
                counts,
                lr=group["lr"],
                beta1=group["betas"][0],
                beta2=group["betas"][1],
                weight_decay=group["weight_decay"],
                eps=group["eps"],
                amsgrad=False,
                maximize=False,
            )
        return None

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load a state, whose tensors are then gathered again."""
        self._gathered = None
        super().load_state_dict(state_dict)

    def _gather(self, weights: list[nn.Parameter]) -> list[list[Tensor]] | None:
        """Return the moments and step counts of all weights; None while a weight has none."""
        if any(weight not in self.state for weight in weights):
            return None
        names = ("exp_avg", "exp_avg_sq", "step")
        return [[self.state[weight][name] for weight in weights] for name in names]


def _sgd(spec: OptimizerSpec, weights: list[nn.Parameter], rate: float) -> Optimizer:
    """Build SGD; only torch's constructor refuses a negative momentum, so it is set afterward."""
    optimizer = PlainSGD(
        weights,
        lr=rate,
        momentum=max(0.0, spec.momentum),
        weight_decay=spec.weight_decay,
        fused=True,
    )
    for group in optimizer.param_groups:
        group["momentum"] = spec.momentum
    return optimizer
