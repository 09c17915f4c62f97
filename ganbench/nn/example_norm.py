# SPDX-License-Identifier: MIT
"""Normalization of each example by itself, in networks that normalize batches or nothing.

Layer, instance and group normalization differ in the channels that share a mean and a variance:
all, one, or a group.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ganbench.errors import ConfigError

_LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
_ACTIVATIONS = (nn.ReLU, nn.LeakyReLU, nn.ELU, nn.SiLU, nn.GELU, nn.Softplus, nn.Tanh)


class ExampleNorm(nn.GroupNorm):
    """Normalizes groups of channels of each example (B, C, ...), over all positions.

    ``gain * (x - mean) / sqrt(variance + eps) + bias``, with a gain and a bias for each channel
    (Wu and He, 2018, arXiv:1803.08494). Batches play no part.
    """

    def forward(self, values: Tensor) -> Tensor:
        """Map (B, C, ...) to values of the same shape.

        Raises:
            ConfigError: A group is a single value, whose deviation from its mean is zero.
        """
        if values[0].numel() == self.num_groups:
            raise ConfigError(
                "Normalization of each channel by itself needs maps of several positions, and a "
                "layer of the discriminator has one value in each group of channels.",
                "Choose --trick layer-norm, which works on vectors.",
            )
        return super().forward(values)


def normalize_examples(
    network: nn.Module, groups_of: Callable[[int], int], *, trick: str, vectors: bool = True
) -> nn.Module:
    """Normalize each example by itself in the hidden layers of a network, which is changed.

    Every batch normalization is replaced, and its gains and biases stay. A network without any
    gets a normalization between each layer and its activation, except behind the first layer of
    several, as DCGAN has it (arXiv:1511.06434).

    Args:
        network: The network.
        groups_of: Maps a number of channels to the number of groups.
        trick: The name of the trick, for messages.
        vectors: Whether vectors, which linear layers return, are normalized as well as maps.

    Raises:
        ConfigError: There is no hidden layer to normalize.
    """
    if isinstance(network, _BatchNorm):
        return _replacement(network, groups_of)
    already = any(isinstance(module, ExampleNorm) for module in network.modules())
    if already or not (
        _replace_batch_norms(network, groups_of) or _insert(network, groups_of, vectors)
    ):
        raise ConfigError(
            f"{trick} normalizes hidden layers, and finds none in the discriminator that it could "
            "normalize.",
            f"Remove the trick, or choose another backbone: --trick {trick}:off",
        )
    return network


def _replacement(norm: _BatchNorm, groups_of: Callable[[int], int]) -> ExampleNorm:
    """Return a normalization of examples with the gains and biases of one of batches."""
    channels = norm.num_features
    replacement = ExampleNorm(groups_of(channels), channels, norm.eps, affine=norm.affine)
    if norm.affine:
        replacement.weight, replacement.bias = norm.weight, norm.bias
    return replacement


def _replace_batch_norms(network: nn.Module, groups_of: Callable[[int], int]) -> bool:
    """Replace every batch normalization inside a network; return whether there was any."""
    parents = [
        (parent, name, child)
        for parent in network.modules()
        for name, child in parent.named_children()
        if isinstance(child, _BatchNorm)
    ]
    for parent, name, child in parents:
        setattr(parent, name, _replacement(child, groups_of))
    return bool(parents)


def _insert(network: nn.Module, groups_of: Callable[[int], int], vectors: bool) -> bool:
    """Put a normalization before activations, and return whether there were any to normalize."""
    places = [
        (sequence, layer)
        for sequence in network.modules()
        if isinstance(sequence, nn.Sequential)
        for layer, activation in zip(list(sequence), list(sequence)[1:], strict=False)
        if isinstance(layer, _LAYERS) and isinstance(activation, _ACTIVATIONS)
    ]
    behind = places[1:] or places
    chosen = [place for place in behind if vectors or not isinstance(place[1], nn.Linear)]
    for sequence, layer in chosen:
        channels = layer.out_features if isinstance(layer, nn.Linear) else layer.out_channels
        norm = ExampleNorm(groups_of(channels), channels)
        sequence.insert(list(sequence).index(layer) + 1, norm)
    return bool(chosen)
