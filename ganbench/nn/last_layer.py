# SPDX-License-Identifier: MIT
"""The last layers of a discriminator: found, and joined by others that read the same features."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import torch
from torch import Tensor, nn

from ganbench.errors import ConfigError
from ganbench.nn.equalized import EqualizedConv2d, EqualizedLinear

WEIGHTED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, EqualizedLinear, EqualizedConv2d)
"""The kinds of layers with weights that a discriminator may have."""


def last_layer(network: nn.Module, reader: str) -> tuple[str, nn.Module]:
    """Return the name of the layer of a discriminator that computes the logits, and the layer.

    It is the last layer with weights that the network registers, unless a class has an attribute
    ``logit_layer``: the name of the part that computes the logits, or None where no single layer
    does. The name is empty where the network is that layer.

    Args:
        network: The discriminator.
        reader: The name of the trick that asks for the layer.

    Raises:
        ConfigError: No single layer computes the logits.
    """
    found = _search(network, (), reader)
    if found is None:
        raise _without_last_layer(reader)
    return found


def _search(module: nn.Module, place: tuple[str, ...], reader: str) -> tuple[str, nn.Module] | None:
    """Return the last layer of a part of a network; None if the part has none."""
    if isinstance(module, WEIGHTED):
        return ".".join(place), module
    declared = getattr(module, "logit_layer", "")
    if declared is None:
        raise _without_last_layer(reader)
    parts = dict(module.named_children())
    for name in [declared] if declared else reversed(parts):
        found = _search(parts[name], (*place, name), reader)
        if found is not None:
            return found
    return None


def _without_last_layer(reader: str) -> ConfigError:
    return ConfigError(
        f"{reader} reads what enters the last layer of a discriminator, and no single layer of "
        "this one computes its logits.",
        f"Remove the trick: --trick {reader}:off",
    )


def join_last_layer(
    network: nn.Module, reader: str, join: Callable[[nn.Module], nn.Module]
) -> nn.Module:
    """Replace the last layer of a discriminator, in place; return the discriminator.

    Args:
        network: The discriminator.
        reader: The name of the trick that replaces the layer.
        join: Returns what takes the place of the layer.

    Raises:
        ConfigError: No single layer computes the logits.
    """
    return _replace(network, *last_layer(network, reader), join)


def join_last_hidden_layer(
    network: nn.Module, reader: str, join: Callable[[nn.Module], nn.Module]
) -> nn.Module:
    """Replace the layer with weights before the last layer of a discriminator, in place.

    It is the one that the network registers before the last; a single layer is replaced itself.

    Args:
        network: The discriminator.
        reader: The name of the trick that replaces the layer.
        join: Returns what takes the place of the layer.

    Returns:
        The discriminator.

    Raises:
        ConfigError: No single layer computes the logits.
    """
    name, layer = last_layer(network, reader)
    weighted = [each for each in network.named_modules() if isinstance(each[1], WEIGHTED)]
    before = itertools.takewhile(lambda each: each[1] is not layer, weighted)
    *_, (name, layer) = [(name, layer), *before]
    return _replace(network, name, layer, join)


def _replace(
    network: nn.Module, name: str, layer: nn.Module, join: Callable[[nn.Module], nn.Module]
) -> nn.Module:
    """Replace a layer of a network by what joins it, in place; return the network."""
    if not name:
        return join(layer)
    network.set_submodule(name, join(layer))
    return network


def weight_of(layer: nn.Module) -> Tensor:
    """Return the weights (outputs, inputs, ...) of a layer, as they are used."""
    weight, scale = layer.weight, getattr(layer, "scale", 1.0)
    assert isinstance(weight, Tensor)
    assert isinstance(scale, float)
    return weight.detach() * scale


def pooled(features: Tensor) -> Tensor:
    """Return features (B, F), or the means over places of maps (B, F, ...)."""
    return features.flatten(2).mean(2) if features.ndim > 2 else features


class WithStatistics(nn.Module):
    """A layer that is also given statistics of the features: maps (B, F, ...) as the layer.

    ``W f + b`` becomes ``W f + V s(f) + b``, which is the layer of the concatenation of f and s(f).
    V has the mean square of W.

    Args:
        layer: The layer.
        statistics: Maps features (B, F, ...) to statistics (B, count).
        count: The number of statistics.
    """

    logit_layer = "layer"

    def __init__(self, layer: nn.Module, statistics: nn.Module, count: int) -> None:
        super().__init__()
        weight = weight_of(layer)
        self.layer = layer
        self.statistics = statistics
        self.added = nn.Linear(count, len(weight), bias=False)
        nn.init.normal_(self.added.weight, 0.0, float(weight.square().mean().sqrt()))

    def forward(self, features: Tensor) -> Tensor:
        """Map features (B, F, ...) to what the layer maps them to, with the statistics added."""
        values: Tensor = self.layer(features)
        added: Tensor = self.added(self.statistics(features))  # (B, outputs)
        ones = [1] * (values.ndim - 2)  # places of a map, or tokens
        if isinstance(self.layer, nn.Linear):  # which has its outputs in the last dimension
            return values + added.reshape(len(added), *ones, -1)
        return values + added.reshape(*added.shape, *ones)


class Noted(nn.Module):
    """Takes values and does nothing: a place at which a trick can watch them."""

    def forward(self, *values: Tensor) -> None:
        """Take any values."""


class WithHead(nn.Module):
    """A last layer with a further head on the same features, whose values enter ``noted``.

    Maps (B, F, ...) as the layer does.

    Args:
        layer: The layer.
        outputs: The number of values of the head.
        reader: The name of the trick that reads them.
        classes: The number of vectors of that size that are learned next to it, and noted, too.
            They start at about unit length.
    """

    logit_layer = "layer"

    def __init__(self, layer: nn.Module, outputs: int, reader: str, *, classes: int = 0) -> None:
        super().__init__()
        self.layer = layer
        self.reader = reader
        self.head = nn.Linear(weight_of(layer).shape[1], outputs)
        vectors = torch.randn(classes, outputs) * outputs**-0.5
        self.classes = nn.Parameter(vectors) if classes else None
        self.noted = Noted()

    def forward(self, features: Tensor) -> Tensor:
        """Map features (B, F, ...) to what the layer maps them to."""
        values = self.head(pooled(features))  # (B, outputs)
        self.noted(values, *([] if self.classes is None else [self.classes]))
        outputs: Tensor = self.layer(features)
        return outputs


def head_of(network: nn.Module, reader: str) -> Noted:
    """Return the place at which the values enter of the head that a trick has given a network."""
    heads = [module for module in network.modules() if isinstance(module, WithHead)]
    return next(head.noted for head in heads if head.reader == reader)
