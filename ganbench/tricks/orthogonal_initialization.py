# SPDX-License-Identifier: MIT
"""Orthogonal initialization: no layer stretches one direction more than another at the start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.utils import parametrize

from ganbench.errors import ConfigError
from ganbench.gan import DataSpec, DiscriminatorFactory, GeneratorFactory, Shape
from ganbench.registry import register
from ganbench.trick import Trick

_LAYERS = (nn.Linear, nn.Embedding, nn.Conv1d, nn.Conv2d, nn.Conv3d)
_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


@register("orthogonal-initialization")
@dataclass(frozen=True)
class OrthogonalInitialization(Trick):
    """Draws the first weights of both players' layers as random orthogonal matrices.

    Paper: Saxe, McClelland and Ganguli, 2014, arXiv:1312.6120

    ``W W^T = gain^2 I``, or ``W^T W`` where W has more rows than columns, with a row for each
    output of a linear layer or convolution. BigGAN starts from a gain of 1 (arXiv:1809.11096).
    Their biases begin at zero: torch's are as long as its weights, and those here are shorter where
    a layer has few inputs, so that on points such biases would move all kinks out of the data.
    Weights that begin at zero, which close a branch, or that are normalized stay as they are.
    """

    gain: Annotated[float, Field(gt=0)] = 1.0

    def wrap_generator(self, build: GeneratorFactory, data: DataSpec) -> GeneratorFactory:
        """Draw the generator's weights again."""

        def drawn(latent_dim: int) -> nn.Module:
            return self._draw(build(latent_dim), "generator")

        return drawn

    def wrap_discriminator(
        self, build: DiscriminatorFactory, data: DataSpec
    ) -> DiscriminatorFactory:
        """Draw the discriminator's weights again."""

        def drawn(shape: Shape) -> nn.Module:
            return self._draw(build(shape), "discriminator")

        return drawn

    def _draw(self, network: nn.Module, player: str) -> nn.Module:
        """Draw the weights of a network in place, from torch's global stream, which is seeded.

        Raises:
            ConfigError: The network has no such layers.
        """
        layers = [
            layer
            for layer in network.modules()
            if isinstance(layer, _LAYERS + _TRANSPOSED)
            and not parametrize.is_parametrized(layer, "weight")
            and layer.weight.any()
        ]
        if not layers:
            raise ConfigError(
                f"orthogonal-initialization finds no linear layer or convolution in the {player} "
                "whose weights it could draw.",
                "Remove the trick: --trick orthogonal-initialization:off",
            )
        for layer in layers:
            outputs = 1 if isinstance(layer, _TRANSPOSED) else 0  # the dimension of the outputs
            weight = layer.weight.data.transpose(0, outputs)
            weight.copy_(nn.init.orthogonal_(torch.empty(weight.shape), self.gain))
            bias = getattr(layer, "bias", None)
            if isinstance(bias, Tensor):
                nn.init.zeros_(bias)
        return network
