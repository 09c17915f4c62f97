# SPDX-License-Identifier: MIT
"""LPIPS, version 0.1: distances between deep features of two images, weighed as people judge.

The weights of the sum over channels, the heads, are those that the package ``lpips`` ships.
Paper: Zhang et al., 2018, arXiv:1801.03924
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path

import lpips
import torch
import torchvision
from torch import Tensor, nn
from torch.nn.functional import interpolate

from ganbench import weights
from ganbench.evaluation.feature_network import NetworkFacts
from ganbench.evaluation.pair_network import (
    PIXELS_AT_ONCE,
    PairNetwork,
    check_pairs,
    compare_in_batches,
)
from ganbench.evaluation.pretrained import fill, without_values
from ganbench.nn.resize import three_channels
from ganbench.registry import register
from ganbench.runtime.inference import Compute, forward_of
from ganbench.runtime.transfer import send

TAPS = {"alexnet": (1, 4, 7, 9, 11), "vgg16": (3, 8, 15, 22, 29)}
"""The rectified layers, counted in torchvision's ``features``, that LPIPS compares."""
_HEADS = {"alexnet": "alex.pth", "vgg16": "vgg.pth"}
_SECONDS_PER_IMAGE = {"alexnet": 0.005, "vgg16": 0.1}
_SMALLEST = 64
"""Pixels on the shorter side below which images are enlarged: AlexNet cannot read 28."""
_PREPROCESSING = f"lpips0.1-min{_SMALLEST}px-bilinear"


class LpipsModule(nn.Module):
    """LPIPS of pairs: the layers of a backbone, which of them are compared, and a head for each."""

    def __init__(self, layers: nn.Sequential, taps: tuple[int, ...], heads: list[Tensor]) -> None:
        super().__init__()
        self.layers = layers[: taps[-1] + 1]
        self.taps = taps
        self.scaling = lpips.ScalingLayer()
        for index, head in enumerate(heads):
            self.register_buffer(f"head{index}", head.view(1, -1, 1, 1))

    def forward(self, pairs: Tensor) -> Tensor:
        """Map pairs (B, 2, 3, H, W) in [-1, 1] to distances (B,), both images in one pass."""
        values = self.scaling(pairs.flatten(0, 1))  # (2 B, 3, H, W)
        distances = []
        for index, layer in enumerate(self.layers):
            values = layer(values)  # (2 B, C, h, w)
            if index in self.taps:
                directions = unit_channels(values.float())  # first, second, first, second, ...
                first, second = directions[0::2], directions[1::2]
                head = self.get_buffer(f"head{self.taps.index(index)}")  # (1, C, 1, 1)
                weighed = ((first - second) ** 2 * head).sum(dim=1)  # (B, h, w)
                distances.append(weighed.mean(dim=(1, 2)))
        return torch.stack(distances).sum(dim=0)


def unit_channels(values: Tensor) -> Tensor:
    """Scale values (B, C, h, w) to length 1 over channels; 1e-10 is added to the length."""
    return values / (values.square().sum(dim=1, keepdim=True).sqrt() + 1e-10)


class LpipsNetwork(PairNetwork):
    """LPIPS behind its preprocessing."""

    def __init__(self, module: LpipsModule, facts: NetworkFacts) -> None:
        self.module = module.eval().requires_grad_(False)
        self.facts = facts

    @torch.no_grad()
    def distances(self, first: Tensor, second: Tensor, *, compute: Compute) -> Tensor:
        """Compare uint8 images (B, C, H, W), C = 1 or 3, with others of their shape, to (B,).

        Raises:
            InputError: The images are of another type, or differ in shape.
        """
        check_pairs(first, second)
        return self._compared(first, second, compute)

    @torch.no_grad()
    def fine_distances(self, first: Tensor, second: Tensor, *, compute: Compute) -> Tensor:
        """Compare floating-point images (B, C, H, W) in [-1, 1], C = 1 or 3, to (B,)."""
        return self._compared(first, second, compute)

    def _compared(self, first: Tensor, second: Tensor, compute: Compute) -> Tensor:
        def compare(first: Tensor, second: Tensor) -> Tensor:
            pairs = prepare_pairs(send(torch.stack([first, second], dim=1), compute.device))
            return forward_of(self.module, pairs, compute)(pairs)[0].float()  # (B,)

        # VGG-16 makes 64 floats of each pixel of both images.
        height, width = enlarged(*first.shape[2:])
        most = max(1, PIXELS_AT_ONCE // (2 * height * width))
        size = compute.batch_size or min(self.batch_size, most)
        return compare_in_batches(compare, first, second, size=size)


def prepare_pairs(pairs: Tensor) -> Tensor:
    """Map pairs (B, 2, C, H, W), C = 1 or 3, uint8 or in [-1, 1], to (B, 2, 3, H, W) in [-1, 1].

    Pairs whose shorter side is below 64 pixels are enlarged bilinearly (half-pixel centers) so
    that it is 64; gray becomes three equal channels.
    """
    values = pairs.flatten(0, 1)  # (2 B, C, H, W)
    values = values.float() / 127.5 - 1 if values.dtype == torch.uint8 else values.float()
    size = enlarged(*pairs.shape[3:])
    if values.shape[2:] != size:
        values = interpolate(values, size, mode="bilinear", align_corners=False)
    return three_channels(values).reshape(*pairs.shape[:2], 3, *size)


def enlarged(height: int, width: int) -> tuple[int, int]:
    """Return the size at which images are compared: the shorter side is 64 pixels or more."""
    scale = max(1.0, _SMALLEST / min(height, width))
    return round(height * scale), round(width * scale)


@register("alexnet")
def alexnet() -> PairNetwork:
    """LPIPS on AlexNet, the variant that its authors recommend for evaluation.

    Paper: Zhang et al., 2018, arXiv:1801.03924
    """
    return _loaded("alexnet", weights.identity("alexnet"))


@register("vgg16")
def vgg16() -> PairNetwork:
    """LPIPS on VGG-16, the variant that perceptual path lengths are made with.

    Paper: Zhang et al., 2018, arXiv:1801.03924
    """
    return _loaded("vgg16", weights.identity("vgg16"))


@functools.lru_cache(maxsize=2)
def _loaded(name: str, identity: str) -> LpipsNetwork:
    facts = NetworkFacts(name, 1, identity, _PREPROCESSING, 0, 0, _SECONDS_PER_IMAGE[name])
    return LpipsNetwork(assemble_lpips(name, weights.load(name)), facts)


def assemble_lpips(name: str, tensors: Mapping[str, Tensor]) -> LpipsModule:
    """Return LPIPS on ``alexnet`` or ``vgg16`` from tensors that are named as in torchvision.

    Raises:
        InputError: Tensors are missing or have other shapes.
    """
    with without_values():
        backbone = getattr(torchvision.models, name)()
    prefix = "features."
    own = {
        key.removeprefix(prefix): tensor
        for key, tensor in tensors.items()
        if key.startswith(prefix)
    }
    return LpipsModule(fill(backbone.features, own, network=name), TAPS[name], _heads(name))


def _heads(name: str) -> list[Tensor]:
    """Return the five heads (C,) of version 0.1 as the package ``lpips`` ships them."""
    path = Path(lpips.__file__).parent / "weights" / "v0.1" / _HEADS[name]
    state = torch.load(path, map_location="cpu", weights_only=True)
    return [state[f"lin{index}.model.1.weight"].flatten() for index in range(5)]
