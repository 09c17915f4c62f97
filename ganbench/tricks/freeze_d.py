# SPDX-License-Identifier: MIT
"""FreezeD: a discriminator that goes on from another run keeps what it knows of details."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field
from torch import nn
from torch.nn.utils import parametrize

from ganbench.errors import ConfigError
from ganbench.gan import DataSpec, DiscriminatorFactory, Shape
from ganbench.nn.multiscale import MultiScaleDiscriminator
from ganbench.nn.several import SeveralDiscriminators
from ganbench.registry import register
from ganbench.trick import Trick


@register("freeze-d")
@dataclass(frozen=True)
class FreezeD(Trick):
    """Leaves the first layers of the discriminator as they are, next to the examples.

    Paper: Mo, Cho and Shin, 2020, arXiv:2002.10964

    The weights of the first ``layers`` linear layers and convolutions, and of all that stands
    between them, do not learn; layers count in the order in which the network lists them, and of
    several discriminators in each. It is meant for a run that starts from the weights of another,
    on more data: ``ganbench run --from RUN --trick freeze-d``. Random layers are frozen as well.
    """

    layers: Annotated[int, Field(ge=0)] = 1

    order: ClassVar[int] = 10  # after the tricks that change what a layer's weights are
    neutral: ClassVar = {"layers": 0}

    def wrap_discriminator(
        self, build: DiscriminatorFactory, data: DataSpec
    ) -> DiscriminatorFactory:
        """Freeze the first layers of the discriminator after it is built."""

        def frozen(shape: Shape) -> nn.Module:
            network = build(shape)
            for judge in _judges(network):
                self._freeze(judge)
            return network

        return frozen

    def _freeze(self, network: nn.Module) -> None:
        """Freeze the first layers of a network in place.

        Raises:
            ConfigError: The network has no more layers than that.
        """
        total = sum(map(_is_layer, network.modules()))
        if total <= self.layers:
            raise ConfigError(
                f"freeze-d would freeze {self.layers} layers, and the discriminator has {total}: "
                "none would learn.",
                f"For example: --trick freeze-d:layers={max(0, total - 1)}",
            )
        count = 0
        for module in network.modules():  # what belongs to a layer follows it
            count += _is_layer(module)
            if count > self.layers:
                break
            for weight in module.parameters(recurse=False):
                weight.requires_grad_(False)


def _judges(network: nn.Module) -> list[nn.Module]:
    """Return the networks that see examples first: the network, or those that it holds."""
    if isinstance(network, SeveralDiscriminators):
        held = network.networks
    elif isinstance(network, MultiScaleDiscriminator):
        held = network.discriminators
    else:
        return [network]
    return [judge for part in held for judge in _judges(part)]


def _is_layer(module: nn.Module) -> bool:
    """Tell whether a module has a matrix of weights, as layers have and normalizations do not."""
    if parametrize.is_parametrized(module, "weight"):
        return True
    weight = dict(module.named_parameters(recurse=False)).get("weight")
    return weight is not None and weight.ndim > 1
