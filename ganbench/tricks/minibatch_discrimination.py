# SPDX-License-Identifier: MIT
"""Minibatch discrimination: the discriminator sees how close an example is to the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field
from torch import Tensor, nn

from ganbench.errors import ConfigError
from ganbench.gan import DataSpec, DiscriminatorFactory, Shape
from ganbench.nn.last_layer import WithStatistics, join_last_layer, pooled, weight_of
from ganbench.registry import register
from ganbench.trick import Trick


@register("minibatch-discrimination")
@dataclass(frozen=True)
class MinibatchDiscrimination(Trick):
    """Gives the last layer of the discriminator the closeness of each example to the batch.

    Paper: Salimans et al., 2016, arXiv:1606.03498

    A learned tensor maps the features of an example to vectors ``M_b`` of ``size`` values, for each
    of B = ``kernels``. Further inputs of the last layer are ``o_b(x_i)``, the mean over the others
    x_j of ``exp(-|M_b(x_i) - M_b(x_j)|)``, with the sum of absolute differences in the exponent.
    The paper sums over the batch, x_i included. The authors' code leaves x_i out and draws scale
    and offset from the first batch, because such a sum grows with the batch, and would outweigh
    all features; a mean does not. In their code ``size`` is 5, and the examples are those of the
    batch, all real or all fake, as here. Maps are averaged over their places first.
    """

    kernels: Annotated[int, Field(ge=0)] = 100
    size: Annotated[int, Field(ge=1)] = 5

    neutral: ClassVar = {"kernels": 0}

    def check_parts(self, part: int, processes: int) -> None:
        """Refuse several processes: the part of a batch has other distances than the batch.

        Raises:
            ConfigError: Several processes share a batch.
        """
        if self.kernels:
            raise ConfigError(
                "minibatch-discrimination compares all examples of a batch, which "
                f"{processes} processes share.",
                "Remove the trick, or start the run without torchrun.",
            )

    def wrap_discriminator(
        self, build: DiscriminatorFactory, data: DataSpec
    ) -> DiscriminatorFactory:
        """Give the last layer further inputs."""
        if not self.kernels:
            return build

        def join(layer: nn.Module) -> nn.Module:
            closeness = Closeness(weight_of(layer).shape[1], self.kernels, self.size)
            return WithStatistics(layer, closeness, self.kernels)

        def joined(shape: Shape) -> nn.Module:
            return join_last_layer(build(shape), "minibatch-discrimination", join)

        return joined


class Closeness(nn.Module):
    """Maps features (B, F, ...) to how close each example is to the others, (B, kernels) in [0, 1].

    Args:
        features: The number F of features.
        kernels: The number of vectors of each example.
        size: The number of values of a vector.
    """

    def __init__(self, features: int, kernels: int, size: int) -> None:
        super().__init__()
        self.kernels = kernels
        self.project = nn.Linear(features, kernels * size, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """Map features (B, F, ...) to means over the other examples (B, kernels)."""
        vectors = self.project(pooled(features)).unflatten(1, (self.kernels, -1))
        distances = (vectors[:, None] - vectors).abs().sum(3)  # (B, B, kernels)
        closeness: Tensor = (-distances).exp().sum(1) - 1.0  # each is at distance 0 from itself
        return closeness / max(len(features) - 1, 1)
