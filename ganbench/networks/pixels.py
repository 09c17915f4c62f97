# SPDX-License-Identifier: MIT
"""Pixels themselves as features: a network without weights, for bins and comparisons of images."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import interpolate

from ganbench.evaluation.feature_network import Extracted, FeatureNetwork, NetworkFacts
from ganbench.registry import register
from ganbench.runtime.inference import Compute

_LARGEST = 32
_PREPROCESSING = f"max{_LARGEST}px-area-unit"


_FACTS = NetworkFacts("pixels", 1, "", _PREPROCESSING, 0, 0, exact=True)


class PixelFeatures(FeatureNetwork):
    """Flattened pixels; a side above 32 pixels becomes 32."""

    def __init__(self) -> None:
        super().__init__(nn.Identity(), _FACTS)

    def prepare(self, images: Tensor) -> Tensor:
        """Map uint8 images (B, C, H, W) to rows (B, C * H * W) in [0, 1], H and W at most 32.

        A longer side is reduced to 32 by area: each new pixel is the mean of those below it.
        """
        pixels = images.float() / 255
        height, width = pixels.shape[2:]
        size = (min(height, _LARGEST), min(width, _LARGEST))
        if size != (height, width):
            pixels = interpolate(pixels, size, mode="area")
        return pixels.flatten(1)

    def _forward(self, inputs: Tensor, compute: Compute) -> Extracted:
        # There is nothing to compute, and bf16 would round pixels.
        return Extracted(inputs, None)


@register("pixels")
def pixels() -> FeatureNetwork:
    """The pixels of images in [0, 1], reduced to at most 32 x 32; no weights."""
    return PixelFeatures()
