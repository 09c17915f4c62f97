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
from ganbench.errors import InputError
from ganbench.evaluation.feature_network import NetworkFacts, PairNetwork, check_images
from ganbench.nn.resize import three_channels
from ganbench.registry import register
from ganbench.runtime.inference import Compute, forward_of

TAPS = {"alexnet": (1, 4, 7, 9, 11), "vgg16": (3, 8, 15, 22, 29)}
"""The rectified layers, counted in torchvision's ``features``, that LPIPS compares."""
HEADS = {"alexnet": "alex.pth", "vgg16": "vgg.pth"}
_SECONDS_PER_IMAGE = {"alexnet": 0.005, "vgg16": 0.1}
_SMALLEST = 64
"""Pixels on the shorter side below which images are enlarged: AlexNet cannot read 28."""
_PREPROCESSING = f"lpips0.1-min{_SMALLEST}px-bilinear"
_PIXELS_AT_ONCE = 2**20
"""Pixels of all images that are compared at once: VGG-16 makes 64 floats of each."""


class Perceptual(nn.Module):
    """LPIPS of pairs, from a backbone's layers, those to compare, and a head for each."""

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
            values = layer(values)
            if index in self.taps:
                toward = directions(values.float())  # first, second, first, second, ...
                first, second = toward[0::2], toward[1::2]
                head = self.get_buffer(f"head{self.taps.index(index)}")  # (1, C, 1, 1)
                weighed = ((first - second) ** 2 * head).sum(dim=1)  # (B, h, w)
                distances.append(weighed.mean(dim=(1, 2)))
        return torch.stack(distances).sum(dim=0)


def directions(values: Tensor) -> Tensor:
    """Scale values (B, C, h, w) to unit length over channels; 1e-10 is added to the length."""
    return values / (values.square().sum(dim=1, keepdim=True).sqrt() + 1e-10)


class PerceptualNetwork(PairNetwork):
    """LPIPS behind its preprocessing."""

    def __init__(self, module: Perceptual, facts: NetworkFacts) -> None:
        self.module = module.eval().requires_grad_(False)
        self.facts = facts

    @torch.no_grad()
    def distances(self, first: Tensor, second: Tensor, *, compute: Compute) -> Tensor:
        """Compare uint8 images (B, C, H, W), C = 1 or 3, with others of their shape, to (B,).

        Raises:
            InputError: images of another type, or of shapes that differ.
        """
        check_pairs(first, second)
        size = compute.batch_size or self._pairs_at_once(first)
        parts = []
        for start in range(0, len(first), size):
            rows = slice(start, start + size)
            pairs = prepare(
                torch.stack([first[rows], second[rows]], dim=1).to(compute.device)
            )  # (B, 2, 3, H, W)
            parts.append(forward_of(self.module, pairs, compute)(pairs)[0].float().cpu())
        return torch.cat(parts)

    def _pairs_at_once(self, images: Tensor) -> int:
        height, width = enlarged(*images.shape[2:])
        return max(1, min(self.batch_size, _PIXELS_AT_ONCE // (2 * height * width)))


def prepare(pairs: Tensor) -> Tensor:
    """Map uint8 pairs (B, 2, C, H, W), C = 1 or 3, to (B, 2, 3, H, W) in [-1, 1].

    Pairs whose shorter side is below 64 pixels are enlarged bilinearly (half-pixel centers) so
    that it is 64; gray becomes three equal channels.
    """
    values = pairs.flatten(0, 1).float() / 127.5 - 1
    size = enlarged(*pairs.shape[3:])
    if values.shape[2:] != size:
        values = interpolate(values, size, mode="bilinear", align_corners=False)
    return three_channels(values).reshape(*pairs.shape[:2], 3, *size)


def enlarged(height: int, width: int) -> tuple[int, int]:
    """Return the size at which images are compared: the shorter side is 64 pixels or more."""
    scale = max(1.0, _SMALLEST / min(height, width))
    return round(height * scale), round(width * scale)


def check_pairs(first: Tensor, second: Tensor) -> None:
    """Raise InputError unless both are uint8 images (N, C, H, W) of one shape, C = 1 or 3."""
    check_images(first)
    check_images(second)
    if first.shape != second.shape:
        raise InputError(
            "Images are compared with others of their shape: "
            f"{tuple(first.shape)} and {tuple(second.shape)} were given."
        )


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
def _loaded(name: str, identity: str) -> PerceptualNetwork:
    module = assembled_lpips(name, weights.load(name))
    seconds = _SECONDS_PER_IMAGE[name]
    return PerceptualNetwork(module, NetworkFacts(name, 1, identity, _PREPROCESSING, 0, 0, seconds))


def assembled_lpips(name: str, tensors: Mapping[str, Tensor]) -> Perceptual:
    """Return LPIPS on ``alexnet`` or ``vgg16`` from tensors that are named as in torchvision.

    Raises:
        InputError: tensors are missing or have other shapes.
    """
    with torch.device("meta"):  # initial weights would cost time and random numbers
        backbone = getattr(torchvision.models, name)()
    layers = backbone.features
    own = {key.removeprefix("features."): value for key, value in tensors.items() if "feat" in key}
    try:
        layers.load_state_dict(own, assign=True)
    except RuntimeError as error:
        raise InputError(f"The tensors are of another network than {name}.") from error
    return Perceptual(layers, TAPS[name], heads(name))


def heads(name: str) -> list[Tensor]:
    """Return the five heads (C,) of version 0.1 as the package ``lpips`` ships them."""
    path = Path(lpips.__file__).parent / "weights" / "v0.1" / HEADS[name]
    found = torch.load(path, map_location="cpu", weights_only=True)
    return [found[f"lin{index}.model.1.weight"].flatten() for index in range(5)]
