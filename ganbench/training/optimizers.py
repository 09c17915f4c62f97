# SPDX-License-Identifier: MIT
"""Optimizers from their description in a recipe."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.optim import Optimizer

from ganbench.config import OptimizerSpec


def make_optimizer(spec: OptimizerSpec, parameters: Sequence[nn.Parameter]) -> Optimizer:
    """Build a torch optimizer; each group remembers its ``initial_lr`` for the schedule.

    Adam and SGD run fused: one pass over the weights in place of one for each operation.
    """
    weights = list(parameters)
    optimizer: Optimizer
    if spec.kind == "adam":
        optimizer = torch.optim.Adam(
            weights,
            lr=spec.learning_rate,
            betas=spec.betas,
            weight_decay=spec.weight_decay,
            fused=True,
        )
    elif spec.kind == "sgd":
        optimizer = _sgd(spec, weights)
    else:
        optimizer = torch.optim.RMSprop(
            weights,
            lr=spec.learning_rate,
            alpha=spec.alpha,
            weight_decay=spec.weight_decay,
            foreach=True,
        )
    for group in optimizer.param_groups:
        group["initial_lr"] = spec.learning_rate
    return optimizer


def _sgd(spec: OptimizerSpec, weights: list[nn.Parameter]) -> Optimizer:
    """Build SGD; torch refuses a negative momentum only in the constructor."""
    optimizer = torch.optim.SGD(
        weights,
        lr=spec.learning_rate,
        momentum=max(0.0, spec.momentum),
        weight_decay=spec.weight_decay,
        fused=True,
    )
    for group in optimizer.param_groups:
        group["momentum"] = spec.momentum
    return optimizer
