# SPDX-License-Identifier: MIT
"""Spectral normalization: each weight matrix of the discriminator has a spectral norm of one."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import spectral_norm

from ganbench.errors import ConfigError
from ganbench.gan import DataSpec, DiscriminatorFactory, GeneratorFactory, Shape
from ganbench.nn.equalized import EQUALIZED
from ganbench.registry import register
from ganbench.trick import Trick

_LAYERS = (
    nn.Linear,
    nn.Conv1d,
    nn.Conv2d,
    nn.Conv3d,
    nn.ConvTranspose1d,
    nn.ConvTranspose2d,
    nn.ConvTranspose3d,
)


@register("spectral-norm")
@dataclass(frozen=True)
class SpectralNorm(Trick):
    """Divides each weight matrix of the discriminator by its largest singular value.

    Paper: Miyato et al., 2018, arXiv:1802.05957

    ``W / (u^T W v)``, where u and v track the first singular vectors by one power iteration in
    each forward pass in training mode; they are buffers, and are saved with the weights. Linear,
    convolution and embedding layers are normalized, except those that a network's class names in
    ``free_layers``, as U-Net GAN's does. That bounds the slope of a discriminator without batch
    normalization, whose gains are free, up to what overlapping windows of convolutions add.
    ``generator`` normalizes the generator as well (arXiv:1805.08318), but not its embeddings: the
    rows of a class are its own to choose, gains and biases of a batch normalization
    (arXiv:1805.08318) as well as vectors that linear layers read (arXiv:1809.11096).
    """

    generator: bool = False

    def wrap_discriminator(
        self, build: DiscriminatorFactory, data: DataSpec
    ) -> DiscriminatorFactory:
        """Normalize the discriminator after it is built, so that its initial weights stay."""

        def normalized(shape: Shape) -> nn.Module:
            return _normalize(build(shape), (*_LAYERS, nn.Embedding))

        return normalized

    def wrap_generator(self, build: GeneratorFactory, data: DataSpec) -> GeneratorFactory:
        """Normalize the generator as well, if requested."""

        def normalized(latent_dim: int) -> nn.Module:
            return _normalize(build(latent_dim), _LAYERS)

        return normalized if self.generator else build


def free_layers(network: nn.Module) -> list[nn.Module]:
    """Return the layers whose weights are not to be normalized, which classes name by attribute."""
    return [
        module.get_submodule(name)
        for module in network.modules()
        for name in getattr(module, "free_layers", ())
    ]


def _normalize(network: nn.Module, kinds: tuple[type[nn.Module], ...]) -> nn.Module:
    """Normalize, in place, every layer of some kinds that is neither free nor normalized yet.

    Raises:
        ConfigError: The weights of a layer begin at zero, which cannot be divided by their largest
            singular value, or they have an equalized learning rate.
    """
    free = free_layers(network)
    for name, layer in list(network.named_modules()):
        if layer in free:
            continue
        if isinstance(layer, EQUALIZED):
            raise ConfigError(
                "spectral-norm sets the size of weights, and so does the equalized learning rate "
                f"of the layer {name}.",
                "Leave out spectral-norm, or choose another backbone.",
            )
        if isinstance(layer, kinds) and not parametrize.is_parametrized(layer, "weight"):
            weight = layer.weight
            if isinstance(weight, Tensor) and not weight.any():
                raise ConfigError(
                    f"spectral-norm divides weights by their largest singular value, and those of "
                    f"the layer {name} begin at zero.",
                    "Leave out spectral-norm, or choose another backbone.",
                )
            spectral_norm(layer)
    return network
