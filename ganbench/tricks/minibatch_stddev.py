# SPDX-License-Identifier: MIT
"""Minibatch standard deviation: the discriminator sees how much the examples of a group differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field
from torch import Tensor, nn

from ganbench.errors import ConfigError
from ganbench.gan import DataSpec, DiscriminatorFactory, Shape
from ganbench.nn.equalized import group_deviations
from ganbench.nn.last_layer import WithStatistics, join_last_hidden_layer
from ganbench.registry import register
from ganbench.trick import Trick


@register("minibatch-stddev")
@dataclass(frozen=True)
class MinibatchStddev(Trick):
    """Gives the last hidden layer of the discriminator the deviation of its inputs in a group.

    Paper: Karras, Aila, Laine and Lehtinen, 2018, arXiv:1710.10196

    The standard deviation of each feature over a group of consecutive examples, averaged over the
    features, is one more input of the last layer but the one that computes the logits, in which
    it could only shift all logits of a group. In the paper it is a further channel of the map
    before the last convolution, and a ``group`` is the whole batch; 4 is StyleGAN's
    (arXiv:1812.04948). A group of 1 has no deviation, and nothing is added.

    ProGAN's discriminator has no batch normalization. Behind the joined layer it removes all but
    the differences between the groups of a batch, as it takes real and generated batches apart:
    with ``--set model.backbone=dcgan:batch_norm=false``, or ``layer-norm``, the deviation counts.
    """

    group: Annotated[int, Field(ge=1)] = 4

    neutral: ClassVar = {"group": 1}

    def check_parts(self, part: int, processes: int) -> None:
        """Refuse parts of a batch that do not divide into groups.

        Raises:
            ConfigError: A part is no multiple of the group.
        """
        if part % self.group:
            raise ConfigError(
                f"minibatch-stddev needs a multiple of {self.group} examples in each process, and "
                f"each of {processes} processes has {part} of a batch.",
                f"For example: --batch-size {-(-part // self.group) * self.group * processes}",
            )

    def wrap_discriminator(
        self, build: DiscriminatorFactory, data: DataSpec
    ) -> DiscriminatorFactory:
        """Give the last hidden layer one more input."""
        if self.group == 1:
            return build

        def join(layer: nn.Module) -> nn.Module:
            return WithStatistics(layer, GroupDeviation(self.group), 1)

        def joined(shape: Shape) -> nn.Module:
            return join_last_hidden_layer(build(shape), "minibatch-stddev", join)

        return joined


class GroupDeviation(nn.Module):
    """Maps features (B, F, ...) to the deviation within each example's group, (B, 1)."""

    def __init__(self, group: int) -> None:
        super().__init__()
        self.group = group

    def forward(self, features: Tensor) -> Tensor:
        """Map features (B, F, ...) to deviations (B, 1)."""
        return group_deviations(features, self.group)[:, None]
