# SPDX-License-Identifier: MIT
"""Strided convolutional networks (Radford et al., 2015, arXiv:1511.06434) for squares of pixels.

A resolution is halved while it is even and above four: 28 becomes 14, 7; 32 becomes 16, 8, 4. So
the same code serves 28 to 128 pixels. The width doubles at every halving.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

from torch import Tensor, nn

from ganbench.errors import ConfigError
from ganbench.gan import Shape

Norm = Literal["batch", "none"]
Activation = Literal["relu", "elu"]
_ACTIVATIONS: dict[Activation, type[nn.ReLU | nn.ELU]] = {"relu": nn.ReLU, "elu": nn.ELU}


def stages(resolution: int) -> tuple[int, int]:
    """Return the resolution of the innermost map, and how often it is doubled.

    >>> stages(28), stages(32), stages(128)
    ((7, 2), (4, 3), (4, 5))

    Raises:
        ConfigError: The resolution cannot be halved down to eight or less.
    """
    size, count = resolution, 0
    while size % 2 == 0 and size > 4:
        size, count = size // 2, count + 1
    if size > 8 or count == 0:
        raise ConfigError(
            f"A convolutional network cannot be built for {resolution} x {resolution} pixels.",
            "Use 28, 32, 48, 64, 96 or 128 pixels, for example --dataset FOLDER@64.",
        )
    return size, count


class ConvGenerator(nn.Module):
    """A linear layer to a small map, which transposed convolutions double; tanh at the end.

    Maps (B, latent_dim) to (B, *shape) in [-1, 1].

    Args:
        latent_dim: Size of a latent.
        shape: (C, H, W) of an image, H = W.
        width: Channels of the outermost map.
        norm: ``batch`` normalizes every map except the image.
        activation: What follows every map except the image.
    """

    def __init__(
        self,
        latent_dim: int,
        shape: Shape,
        *,
        width: int = 64,
        norm: Norm = "batch",
        activation: Activation = "relu",
    ) -> None:
        super().__init__()
        size, count = stages(shape[1])
        widths = [width * 2**depth for depth in reversed(range(count))]
        self.start = (widths[0], size, size)
        normalized, activate = norm == "batch", _ACTIVATIONS[activation]
        self.project = nn.Linear(latent_dim, widths[0] * size * size, bias=not normalized)
        layers: list[nn.Module] = [nn.BatchNorm2d(widths[0])] if normalized else []
        layers.append(activate(inplace=True))
        for inner, outer in pairwise(widths):
            layers.append(
                nn.ConvTranspose2d(inner, outer, 4, stride=2, padding=1, bias=not normalized)
            )
            if normalized:
                layers.append(nn.BatchNorm2d(outer))
            layers.append(activate(inplace=True))
        layers += [nn.ConvTranspose2d(widths[-1], shape[0], 4, stride=2, padding=1), nn.Tanh()]
        self.layers = nn.Sequential(*layers)
        initialize(self)

    def forward(self, latents: Tensor) -> Tensor:
        """Map (B, latent_dim) to (B, *shape)."""
        innermost = self.project(latents).unflatten(1, self.start)  # (B, C, h, w)
        images: Tensor = self.layers(innermost)
        return images


class ConvDiscriminator(nn.Module):
    """Strided convolutions, then a linear layer: maps (B, *shape) to logits (B, outputs).

    Args:
        shape: (C, H, W) of an image, H = W.
        width: Channels of the outermost map.
        norm: ``batch`` normalizes every map except the outermost.
        outputs: The number of values of the linear layer, of which a head may take its own.
    """

    def __init__(
        self, shape: Shape, *, width: int = 64, norm: Norm = "batch", outputs: int = 1
    ) -> None:
        super().__init__()
        size, count = stages(shape[1])
        widths = [width * 2**depth for depth in range(count)]
        layers: list[nn.Module] = [
            nn.Conv2d(shape[0], width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2, inplace=True),
        ]
        for outer, inner in pairwise(widths):
            normalized = norm == "batch"
            layers.append(nn.Conv2d(outer, inner, 4, stride=2, padding=1, bias=not normalized))
            if normalized:
                layers.append(nn.BatchNorm2d(inner))
            layers.append(nn.LeakyReLU(0.2, inplace=True))
        layers += [nn.Flatten(), nn.Linear(widths[-1] * size * size, outputs)]
        self.layers = nn.Sequential(*layers)
        initialize(self)

    def forward(self, images: Tensor) -> Tensor:
        """Map (B, *shape) to logits (B, outputs)."""
        logits: Tensor = self.layers(images)
        return logits


def initialize(module: nn.Module) -> None:
    """Draw weights from N(0, 0.02), gains of normalization from N(1, 0.02), biases 0 (DCGAN)."""
    for layer in module.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0.0, 0.02)
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 1.0, 0.02)
        else:
            continue
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
