# SPDX-License-Identifier: MIT
"""The image half of OpenAI's CLIP ViT-L/14 at 336 pixels, the network of CMMD."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from ganbench import weights
from ganbench.errors import InputError, MissingDataError
from ganbench.evaluation.feature_network import FeatureNetwork, NetworkFacts
from ganbench.nn.resize import bicubic_uint8, standardized
from ganbench.registry import register

_NAME = "clip-vitl14-336"
_RESOLUTION = 336
_FEATURE_SIZE = 768
LAYERS = 24
STATISTICS = (
    (0.48145466, 0.4578275, 0.40821073),
    (0.26862954, 0.26130258, 0.27577711),
)
"""Mean and deviation of red, green and blue in CLIP's training images, in [0, 1]."""


class Embeddings(nn.Module):
    """A vision transformer whose output has length one."""

    def __init__(self, transformer: nn.Module) -> None:
        super().__init__()
        self.transformer = transformer

    def forward(self, images: Tensor) -> Tensor:
        """Map standardized images (B, 3, 336, 336) to embeddings (B, 768) of length one."""
        return normalize(self.transformer(images).float(), dim=1)


class CLIPNetwork(FeatureNetwork):
    """CLIP behind a square cut-out and Pillow's bicubic resize of 8-bit images, as in CMMD."""

    batch_size = 8

    def prepare(self, images: Tensor) -> Tensor:
        """Map uint8 images (B, C, H, W), C = 1 or 3, to standardized (B, 3, 336, 336)."""
        square = bicubic_uint8(images, (_RESOLUTION, _RESOLUTION), crop=True)
        return standardized(square.float(), STATISTICS)


@register("clip")
def clip() -> FeatureNetwork:
    """CLIP ViT-L/14 at 336 pixels: 768 numbers of an image, scaled to length one.

    Paper: Radford et al., 2021, arXiv:2103.00020
    """
    return _loaded(weights.identity(_NAME))


@functools.lru_cache(maxsize=1)
def _loaded(identity: str) -> CLIPNetwork:
    module = assembled_clip(weights.load(_NAME), _blank(import_open_clip()))
    facts = NetworkFacts(
        name="clip",
        version=1,
        weights_sha256=identity,
        preprocessing=f"{_RESOLUTION}px-crop-bicubic-pil-clip",
        feature_size=_FEATURE_SIZE,
        classes=0,
        seconds=3.5,
    )
    return CLIPNetwork(module, facts)


def import_open_clip() -> Any:
    """Import open_clip.

    Raises:
        MissingDataError: it is not installed.
    """
    try:
        import open_clip
    except ImportError as error:
        raise MissingDataError(
            "The network clip needs open_clip, which is not installed.",
            'pip install "ganbench[clip]"',
        ) from error
    return open_clip


def _blank(open_clip: Any, layers: int = LAYERS) -> nn.Module:
    """Return the vision transformer without values, with the activation of OpenAI's models."""
    with torch.device("meta"):  # initial weights would cost time and random numbers
        module: nn.Module = open_clip.transformer.VisionTransformer(
            image_size=_RESOLUTION,
            patch_size=14,
            width=1024,
            layers=layers,
            heads=16,
            mlp_ratio=4.0,
            output_dim=_FEATURE_SIZE,
            act_layer=open_clip.transformer.QuickGELU,
        )
    return module


def assembled_clip(tensors: Mapping[str, Tensor], module: nn.Module) -> nn.Module:
    """Fill a transformer with tensors that are named as in OpenAI's file, and scale its output.

    Raises:
        InputError: tensors are missing or have other shapes.
    """
    prefix = "visual."
    own = {
        name.removeprefix(prefix): tensor.float()  # the file holds float16
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
    try:
        module.load_state_dict(own, assign=True)
    except RuntimeError as error:
        raise InputError(f"The tensors are of another network than {_NAME}.") from error
    return Embeddings(module)
