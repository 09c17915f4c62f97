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
from ganbench.registry import register
from ganbench.trick import Trick


@register("freeze-d")
@dataclass(frozen=True)
class FreezeD(Trick):
    """Leaves the first layers of the discriminator as they are, next to the examples.

    Paper: Mo, Cho and Shin, 2020, arXiv:2002.10964

    The weights of the first ``layers`` linear layers and convolutions, and of all that stands
    between them, do not learn; of several discriminators, those of each. It is meant for a run that
    starts from the weights of another, on more data: ``ganbench run --from RUN --trick freeze-d``.
    Random layers are frozen as well. Layers count in the order in which the network lists them,
    unless its class has a method ``first_to_last``, which yields its modules; ``judges`` names the
    part of a class that holds several discriminators.
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
            for path in _paths(network):
                self._freeze(path)
            return network

        return frozen

    def _freeze(self, path: list[nn.Module]) -> None:
        """Freeze, in place, the first layers among modules that stand in their order.

        Raises:
            ConfigError: There are no more layers than that.
        """
        total = sum(map(_is_layer, path))
        if total <= self.layers:
            raise ConfigError(
                f"freeze-d would freeze {self.layers} layers, and the discriminator has {total}: "
                "none would learn.",
                f"For example: --trick freeze-d:layers={max(0, total - 1)}",
            )
        count = 0
        for module in path:  # what belongs to a layer follows it
            count += _is_layer(module)
            if count > self.layers:
                break
            if not count:
                continue  # a part that holds the layers may have weights of its own, at the end
            for weight in module.parameters(recurse=False):
                weight.requires_grad_(False)


def _paths(network: nn.Module) -> list[list[nn.Module]]:
    """Return the modules on the way of an example, of each of several discriminators apart."""
    if judges := getattr(network, "judges", ""):
        parts = network.get_submodule(judges).children()
        return [path for judge in parts for path in _paths(judge)]
    first_to_last = getattr(network, "first_to_last", network.modules)
    return [list(first_to_last())]


def _is_layer(module: nn.Module) -> bool:
    """Tell whether a module has a matrix of weights, as layers have and normalizations do not."""
    if parametrize.is_parametrized(module, "weight"):
        return True
    weight = dict(module.named_parameters(recurse=False)).get("weight")
    return weight is not None and weight.ndim > 1
