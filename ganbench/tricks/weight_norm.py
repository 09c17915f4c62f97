# SPDX-License-Identifier: MIT
"""Weight normalization: the discriminator learns lengths and directions of weights apart."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import weight_norm

from ganbench.errors import ConfigError
from ganbench.gan import DataSpec, DiscriminatorFactory, Shape
from ganbench.registry import register
from ganbench.trick import Trick
from ganbench.tricks.spectral_norm import free_layers

_LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


@register("weight-norm")
@dataclass(frozen=True)
class WeightNorm(Trick):
    """Writes the weights of each unit of the discriminator as a length times a direction.

    Paper: Salimans and Kingma, 2016, arXiv:1602.07868

    ``w = g * v / |v|`` for the weights w of each output of a linear layer or convolution; g and v
    are learned in place of w, and start from ``g = |w|`` and ``v = w``, so that the initial network
    is the same. The paper's initialization from a batch of data is left out. Layers that a
    network's class names in ``free_layers`` stay as they are, as under ``spectral-norm``.
    """

    def wrap_discriminator(
        self, build: DiscriminatorFactory, data: DataSpec
    ) -> DiscriminatorFactory:
        """Normalize the discriminator after it is built, so that its initial weights stay."""

        def normalized(shape: Shape) -> nn.Module:
            return _normalize(build(shape))

        return normalized


def _normalize(network: nn.Module) -> nn.Module:
    """Normalize, in place, every layer of a network that is neither free nor normalized yet.

    Raises:
        ConfigError: No layer is left to normalize, or weights begin at zero, which has no
            direction.
    """
    free = free_layers(network)
    layers = [
        (name, layer)
        for name, layer in network.named_modules()
        if isinstance(layer, _LAYERS + _TRANSPOSED)
        and layer not in free
        and not parametrize.is_parametrized(layer, "weight")
    ]
    if not layers:
        raise ConfigError(
            "weight-norm finds no linear layer or convolution in the discriminator whose weights "
            "are not normalized already.",
            "Remove the trick, or what normalizes them: --trick weight-norm:off",
        )
    for name, layer in layers:
        outputs = 1 if isinstance(layer, _TRANSPOSED) else 0  # the dimension of the outputs
        if not layer.weight.transpose(0, outputs).flatten(1).any(1).all():
            raise ConfigError(
                "weight-norm divides the weights of each unit by their length, and some of those "
                f"of the layer {name} begin at zero.",
                "Leave out weight-norm, or choose another backbone.",
            )
        weight_norm(layer, dim=outputs)
    return network
