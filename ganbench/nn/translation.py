# SPDX-License-Identifier: MIT
"""Networks that make an image from another one, and judge pairs (arXiv:1611.07004)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout

from ganbench.gan import Shape
from ganbench.nn.convolutional import initialize, made_even, map_sizes


class UNet(nn.Module):
    """An encoder and a decoder of equal maps, joined at every resolution; tanh at the end.

    Maps latents, which are ignored, and sources (B, *source) to images (B, *shape) in [-1, 1]. The
    noise is dropout in the decoder, in training and in evaluation mode, drawn from torch's global
    stream. Sizes are halved as often as in ``ganbench.nn.convolutional``.

    Args:
        source: (C, H, W) of a source.
        shape: (C, H, W) of an image, of the same height and width.
        width: Channels of the outermost map; doubled at each halving, up to eight times as many.
        drop: Share of the values of inner decoder maps that are set to zero.
    """

    def __init__(self, source: Shape, shape: Shape, *, width: int = 64, drop: float = 0.5) -> None:
        super().__init__()
        count = len(map_sizes(*shape[1:])) - 1
        widths = [source[0], *(width * min(2**depth, 8) for depth in range(count))]
        self.drop = drop
        self.encoder = nn.ModuleList(
            _down(widths[depth], widths[depth + 1], outermost=depth == 0) for depth in range(count)
        )
        # From the inside out; all but the innermost also get the encoder's map of their size.
        self.decoder = nn.ModuleList(
            nn.ConvTranspose2d(
                widths[depth + 1] * (1 if depth == count - 1 else 2),
                widths[depth] if depth else shape[0],
                kernel_size=4,
                stride=2,
                padding=1,
                bias=depth == 0,  # where no normalization takes it away
            )
            for depth in reversed(range(count))
        )
        self.norms = nn.ModuleList(
            nn.InstanceNorm2d(widths[depth], affine=True) for depth in reversed(range(1, count))
        )
        initialize(self)

    def forward(self, latents: Tensor, source: Tensor) -> Tensor:
        """Map (B, latent_dim) and (B, *source) to (B, *shape)."""
        maps: list[Tensor] = [source]
        for down in self.encoder:
            maps.append(down(made_even(maps[-1])))
        current = maps.pop()  # (B, C, h, w), the innermost
        for up, norm in zip(self.decoder, self.norms, strict=False):
            encoded = maps.pop()  # (B, C', h', w'), where 2 h is h' or one more
            current = dropout(norm(_fitted(up(current.relu()), encoded)), self.drop)
            current = torch.cat([current, encoded], 1)  # (B, 2 C', h', w')
        return torch.tanh(_fitted(self.decoder[-1](current.relu()), source))


def _fitted(maps: Tensor, model: Tensor) -> Tensor:
    """Cut maps (B, C, h, w) to the size of others, which are at most that large."""
    return maps[:, :, : model.shape[2], : model.shape[3]]


def _down(outer: int, inner: int, *, outermost: bool) -> nn.Module:
    """Return layers that halve a map; the image itself is neither activated nor normalized."""
    convolution = nn.Conv2d(outer, inner, 4, stride=2, padding=1, bias=outermost)
    if outermost:
        return convolution
    return nn.Sequential(nn.LeakyReLU(0.2), convolution, nn.InstanceNorm2d(inner, affine=True))


class PatchDiscriminator(nn.Module):
    """Convolutions that judge overlapping patches of images or pairs: a logit for each.

    Maps images (B, *shape), with their sources where it is built for pairs, to logits (B, 1, h, w).

    Args:
        source: (C, H, W) of a source; None where images come alone.
        shape: (C, H, W) of an image, of the same height and width.
        width: Channels of the outermost map.
        halvings: How often the resolution is halved: 1 gives patches of 16 x 16 pixels, 2 of 34,
            3 of 70.
    """

    def __init__(
        self, source: Shape | None, shape: Shape, *, width: int = 64, halvings: int = 2
    ) -> None:
        super().__init__()
        channels = shape[0] + (source[0] if source else 0)
        layers: list[nn.Module] = [
            nn.Conv2d(channels, width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
        ]
        for depth in range(1, halvings + 1):
            outer, inner = (width * min(2**each, 8) for each in (depth - 1, depth))
            stride = 2 if depth < halvings else 1
            layers += [
                nn.Conv2d(outer, inner, 4, stride=stride, padding=1, bias=False),
                nn.InstanceNorm2d(inner, affine=True),
                nn.LeakyReLU(0.2),
            ]
        layers.append(nn.Conv2d(width * min(2**halvings, 8), 1, 4, padding=1))
        self.layers = nn.Sequential(*layers)
        initialize(self)

    def forward(self, images: Tensor, source: Tensor | None = None) -> Tensor:
        """Map (B, *shape), and (B, *source) if it is built for pairs, to logits (B, 1, h, w)."""
        shown = images if source is None else torch.cat([source, images], 1)
        logits: Tensor = self.layers(shown)
        return logits
