# SPDX-License-Identifier: MIT
"""DINOv2 ViT-L/14, the network of FD-DINOv2, computed by timm's vision transformer."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from ganbench import weights
from ganbench.evaluation.feature_network import FeatureNetwork, NetworkFacts
from ganbench.evaluation.pretrained import fill, import_extra, of_another_network, without_values
from ganbench.nn.resize import IMAGENET, bicubic_uint8, standardized
from ganbench.registry import register

_WEIGHTS = "dinov2-vitl14"
_ARCHITECTURE = "vit_large_patch14_dinov2"
_RESOLUTION = 224
_FEATURE_SIZE = 1024
_LAYERS = 24
_OFFSET = 0.1
"""DINOv2 adds this to the wanted grid before it scales its positions; part of its numbers."""


class DINOv2Network(FeatureNetwork):
    """DINOv2 behind Pillow's bicubic resize of 8-bit images, as in dgm-eval."""

    batch_size = 16
    cuda_batch_size = 128
    prepared_on_cpu = True

    def prepare(self, images: Tensor) -> Tensor:
        """Map uint8 images (B, C, H, W), C = 1 or 3, to standardized (B, 3, 224, 224)."""
        pixels = bicubic_uint8(images, (_RESOLUTION, _RESOLUTION)).float()
        return standardized(pixels, IMAGENET)


@register("dinov2")
def dinov2() -> FeatureNetwork:
    """DINOv2 ViT-L/14: 1,024 numbers that agree better with people than Inception's.

    Paper: Oquab et al., 2023, arXiv:2304.07193
    """
    return _loaded(weights.identity(_WEIGHTS))


@functools.lru_cache(maxsize=1)
def _loaded(identity: str) -> DINOv2Network:
    facts = NetworkFacts(
        name="dinov2",
        version=1,
        weights_sha256=identity,
        preprocessing=f"{_RESOLUTION}px-bicubic-pil-imagenet",
        feature_size=_FEATURE_SIZE,
        classes=0,
        seconds=1.5,
    )
    return DINOv2Network(assemble_dinov2(weights.load(_WEIGHTS)), facts)


def assemble_dinov2(tensors: Mapping[str, Tensor], layers: int = _LAYERS) -> nn.Module:
    """Return DINOv2 at 224 pixels from tensors that are named as in DINOv2's checkpoints.

    Args:
        tensors: Tensors of a checkpoint; its positions are for 518 pixels and are scaled.
        layers: The number of transformer layers.

    Raises:
        MissingDataError: timm is not installed.
        InputError: Tensors are missing or have other shapes.
    """
    module = _transformer(layers)
    grid = math.isqrt(module.state_dict()["pos_embed"].shape[1] - 1)
    own = {name: tensor for name, tensor in tensors.items() if name != "mask_token"}
    try:
        own["pos_embed"] = scale_positions(own["pos_embed"], grid)
    except (KeyError, RuntimeError) as error:
        raise of_another_network(_WEIGHTS) from error
    return fill(module, own, network=_WEIGHTS)


def _transformer(layers: int) -> nn.Module:
    """Return the transformer at 224 pixels, without values; its output is the class token."""
    timm: Any = import_extra("timm", network="dinov2", extra="dinov2")
    with without_values():
        module: nn.Module = timm.create_model(
            _ARCHITECTURE, pretrained=False, img_size=_RESOLUTION, num_classes=0, depth=layers
        )
    return module


def scale_positions(embedding: Tensor, grid: int) -> Tensor:
    """Scale positions (1, 1 + M * M, d) to a grid (1, 1 + grid * grid, d) as DINOv2 does.

    Bicubic, without antialiasing, by (grid + 0.1) / M. timm's own rule, with antialiasing and
    without the offset, gives other features than the authors' code.
    """
    token, patches = embedding[:, :1], embedding[:, 1:]
    side = math.isqrt(patches.shape[1])
    scale = (grid + _OFFSET) / side
    square = patches.reshape(1, side, side, -1).permute(0, 3, 1, 2)  # (1, d, M, M)
    scaled = interpolate(square, scale_factor=(scale, scale), mode="bicubic")  # (1, d, grid, grid)
    return torch.cat([token, scaled.flatten(2).transpose(1, 2)], dim=1)
