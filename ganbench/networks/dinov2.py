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
from ganbench.errors import InputError, MissingDataError
from ganbench.evaluation.feature_network import FeatureNetwork, NetworkFacts
from ganbench.nn.resize import IMAGENET, bicubic_uint8, standardized
from ganbench.registry import register

_NAME = "dinov2-vitl14"
ARCHITECTURE = "vit_large_patch14_dinov2"
_RESOLUTION = 224
_FEATURE_SIZE = 1024
OFFSET = 0.1
"""What DINOv2 adds to the wanted grid before it scales its positions; part of its numbers."""


class DINOv2Network(FeatureNetwork):
    """DINOv2 behind Pillow's bicubic resize of 8-bit images, as in dgm-eval."""

    batch_size = 16

    def prepare(self, images: Tensor) -> Tensor:
        """Map uint8 images (B, C, H, W), C = 1 or 3, to standardized (B, 3, 224, 224)."""
        pixels = bicubic_uint8(images, (_RESOLUTION, _RESOLUTION)).float()
        return standardized(pixels, IMAGENET)


@register("dinov2")
def dinov2() -> FeatureNetwork:
    """DINOv2 ViT-L/14: 1,024 numbers that agree better with people than Inception's.

    Paper: Oquab et al., 2023, arXiv:2304.07193
    """
    return _loaded(weights.identity(_NAME))


@functools.lru_cache(maxsize=1)
def _loaded(identity: str) -> DINOv2Network:
    module = assembled_dinov2(weights.load(_NAME), _blank(import_timm()))
    facts = NetworkFacts(
        name="dinov2",
        version=1,
        weights_sha256=identity,
        preprocessing=f"{_RESOLUTION}px-bicubic-pil-imagenet",
        feature_size=_FEATURE_SIZE,
        classes=0,
        seconds=1.5,
    )
    return DINOv2Network(module, facts)


def import_timm() -> Any:
    """Import timm.

    Raises:
        MissingDataError: it is not installed.
    """
    try:
        import timm
    except ImportError as error:
        raise MissingDataError(
            "The network dinov2 needs timm, which is not installed.",
            'pip install "ganbench[dinov2]"',
        ) from error
    return timm


def _blank(timm: Any, depth: int = 24) -> nn.Module:
    """Return the transformer at 224 pixels, without values; its output is the class token."""
    with torch.device("meta"):  # initial weights would cost time and random numbers
        module: nn.Module = timm.create_model(
            ARCHITECTURE, pretrained=False, img_size=_RESOLUTION, num_classes=0, depth=depth
        )
    return module


def assembled_dinov2(tensors: Mapping[str, Tensor], module: nn.Module) -> nn.Module:
    """Fill a transformer with tensors that are named as in DINOv2's checkpoints.

    The checkpoint's positions are of 518 pixels and are scaled to the transformer's.

    Raises:
        InputError: tensors are missing or have other shapes.
    """
    own = {name: tensor for name, tensor in tensors.items() if name != "mask_token"}
    grid = math.isqrt(module.state_dict()["pos_embed"].shape[1] - 1)
    try:
        own["pos_embed"] = positions(own["pos_embed"], grid)
        module.load_state_dict(own, assign=True)
    except (KeyError, RuntimeError) as error:
        raise InputError(f"The tensors are of another network than {_NAME}.") from error
    return module


def positions(embedding: Tensor, grid: int) -> Tensor:
    """Scale positions (1, 1 + M * M, d) to a grid (1, 1 + grid * grid, d) as DINOv2 does.

    Bicubic, without antialiasing, by (grid + 0.1) / M; timm's own rule, with antialiasing and
    without the offset, gives other features than the authors' code.
    """
    token, patches = embedding[:, :1], embedding[:, 1:]
    side = math.isqrt(patches.shape[1])
    scale = (grid + OFFSET) / side
    square = patches.reshape(1, side, side, -1).permute(0, 3, 1, 2)  # (1, d, M, M)
    scaled = interpolate(square, scale_factor=(scale, scale), mode="bicubic")
    return torch.cat([token, scaled.flatten(2).transpose(1, 2)], dim=1)
