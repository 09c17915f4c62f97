# SPDX-License-Identifier: MIT
"""Virtual batch normalization: the generator's samples do not depend on the rest of a batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ganbench.config import Recipe
from ganbench.errors import ConfigError
from ganbench.gan import GAN, DataSpec, GeneratorFactory
from ganbench.registry import register
from ganbench.state import State
from ganbench.trick import Trick, TrickState

_OFF = "Remove the trick, or choose another model: --trick virtual-batch-norm:off"


@register("virtual-batch-norm")
@dataclass(frozen=True)
class VirtualBatchNorm(Trick):
    """Normalizes in the generator by a batch of latents that is fixed at the start.

    Paper: Salimans et al., 2016, arXiv:1606.03498

    In place of batch normalization, each example is normalized by the mean and variance of the
    reference batch and of the example itself, together. The reference batch of ``size`` latents
    passes through the generator with every batch, which costs as much as that many more examples;
    samples are drawn in the same way. As in the paper, the discriminator is left alone.
    """

    size: Annotated[int, Field(ge=2)] = 64

    def check(self, gan: GAN, recipe: Recipe, data: DataSpec) -> None:
        """Refuse generators with a condition, of which the reference batch has none.

        Raises:
            ConfigError: The model is conditional.
        """
        if gan.conditional:
            raise ConfigError(
                "virtual-batch-norm needs a generator of latents alone, and the model is "
                "conditional.",
                _OFF,
            )

    def wrap_generator(self, build: GeneratorFactory, data: DataSpec) -> GeneratorFactory:
        """Replace batch normalization in the generator, after it is built."""

        def normalized(latent_dim: int) -> nn.Module:
            return WithReference(build(latent_dim), self.size, latent_dim)

        return normalized

    @torch.no_grad()
    def start(self, state: State) -> TrickState:
        """Draw the reference batch, a buffer of the generator, unless a run has brought its own."""
        network = state.generator
        while not isinstance(network, WithReference):  # in what other tricks have put around it
            (network,) = network.children()
        if not network.reference.any():
            stream = state.streams["trick/virtual-batch-norm"]
            network.reference.copy_(state.prior(self.size, stream))
            state.group.broadcast([network.reference])
        return {}


class WithReference(nn.Module):
    """A generator that lets a reference batch pass through with each batch, and returns the rest.

    Args:
        network: The generator, whose batch normalizations are replaced.
        size: The number of latents of the reference batch.
        latent_dim: The size of a latent.

    Raises:
        ConfigError: The generator has no batch normalization.
    """

    def __init__(self, network: nn.Module, size: int, latent_dim: int) -> None:
        super().__init__()
        self.network = network
        self.reference: Tensor
        self.register_buffer("reference", torch.zeros(size, latent_dim))
        norms = [
            (parent, name, child)
            for parent in network.modules()
            for name, child in parent.named_children()
            if isinstance(child, _BatchNorm)
        ]
        if not norms:
            raise ConfigError(
                "virtual-batch-norm replaces batch normalization, and the generator has none.", _OFF
            )
        for parent, name, norm in norms:
            setattr(parent, name, ReferenceNorm(norm, size))

    def forward(self, latents: Tensor, *condition: object) -> Tensor:
        """Map latents (B, latent_dim) to examples (B, *shape).

        Raises:
            ConfigError: The generator is told a condition, or returns more than examples.
        """
        together = torch.cat([self.reference.to(latents.dtype), latents])
        examples = None if condition else self.network(together)
        if not isinstance(examples, Tensor):
            raise ConfigError(
                "virtual-batch-norm needs a generator that maps latents to examples alone.", _OFF
            )
        return examples[self.reference.shape[0] :]


class ReferenceNorm(nn.Module):
    """Normalizes each example by a reference batch and itself; the reference comes first.

    Args:
        plain: The batch normalization that it replaces, whose gains and biases it takes over.
        size: The number of examples of the reference batch.
    """

    def __init__(self, plain: _BatchNorm, size: int) -> None:
        super().__init__()
        self.weight, self.bias = plain.weight, plain.bias
        self.eps, self.size = plain.eps, size

    def forward(self, values: Tensor) -> Tensor:
        """Map the reference batch and a batch (size + B, C, ...) to values of the same shape."""
        exact = values.float() if values.dtype in {torch.bfloat16, torch.float16} else values
        flat = exact.flatten(2) if exact.ndim > 2 else exact.unsqueeze(2)  # (size + B, C, P)
        variance, mean = torch.var_mean(flat[: self.size], (0, 2), correction=0, keepdim=True)
        own_variances, own_means = torch.var_mean(
            flat[self.size :], 2, correction=0, keepdim=True
        )  # (B, C, 1)
        share = 1 / (self.size + 1)
        means = torch.lerp(mean, own_means, share)
        # Exact where squares would cancel: the spread within the two parts, and between them.
        variances = torch.lerp(
            variance + (mean - means).square(), own_variances + (own_means - means).square(), share
        )
        parts = [
            (flat[: self.size] - mean) * (variance + self.eps).rsqrt(),
            (flat[self.size :] - means) * (variances + self.eps).rsqrt(),
        ]
        normalized = torch.cat(parts)
        if self.weight is not None:
            normalized = normalized * self.weight[:, None] + self.bias[:, None]
        return normalized.reshape(values.shape).to(values.dtype)
