# SPDX-License-Identifier: MIT
"""Orthogonal regularization: the rows of the generator's weights are kept at right angles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.utils.parametrize import ParametrizationList

from ganbench.moving import Number
from ganbench.nn.equalized import EQUALIZED
from ganbench.registry import register
from ganbench.trick import Terms, Trick
from ganbench.turn import Turn


@register("orthogonal-regularization")
@dataclass(frozen=True)
class OrthogonalRegularization(Trick):
    """Penalizes products of different rows of each weight matrix of the generator.

    Paper: Brock, Donahue and Simonyan, 2019, arXiv:1809.11096

    Adds ``weight * sum |W W^T * (1 - I)|^2`` to the generator's loss, over all weights of layers
    but biases, as matrices whose rows belong to their first dimension. Weights with an equalized
    learning rate count as they are used, scaled. The norms of the rows are free, unlike in the
    original form of Brock et al., 2017 (arXiv:1609.07093). Of more rows than columns not all can be
    orthogonal, and only shorter rows cost less. ``weight`` (beta) is 1e-4. It makes samples from
    truncated latents (``truncation``) better.
    """

    weight: Annotated[Number, Field(ge=0)] = 1e-4

    neutral: ClassVar = {"weight": 0.0}

    def generator_terms(self, turn: Turn) -> Terms:
        """Return the penalty, or nothing at a weight of zero or without such weights."""
        weight = turn.state.now(self.weight)
        matrices = _matrices(turn.state.generator)
        if not weight or not matrices:
            return {}
        return {"penalty": weight * torch.stack([_overlap(matrix) for matrix in matrices]).sum()}


def _matrices(network: nn.Module) -> list[Tensor]:
    """Return the weights of two or more dimensions of a network, as its layers use them."""
    return [
        weight * module.scale if isinstance(module, EQUALIZED) and name == "weight" else weight
        for module in network.modules()
        for name, weight in module.named_parameters(recurse=False)
        if weight.ndim > 1 and (name == "weight" or isinstance(module, ParametrizationList))
    ]


def _overlap(weight: Tensor) -> Tensor:
    """Return the sum of the squared products of different rows of a weight (rows, ...)."""
    rows = weight.flatten(1)
    if len(rows) > rows.shape[1]:  # |W W^T| = |W^T W|, and the smaller one takes less memory
        return (rows.T @ rows).square().sum() - rows.square().sum(1).square().sum()
    products = rows @ rows.T  # (rows, rows)
    return (products - products.diag().diag()).square().sum()
