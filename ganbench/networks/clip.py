# SPDX-License-Identifier: MIT
"""The image half of OpenAI's CLIP ViT-L/14 at 336 pixels, the network of CMMD."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torch.nn.functional import normalize

from ganbench import weights
from ganbench.evaluation.feature_network import FeatureNetwork, NetworkFacts
from ganbench.evaluation.pretrained import fill, import_extra, without_values
from ganbench.nn.resize import bicubic_uint8, standardized
from ganbench.registry import register

_WEIGHTS = "clip-vitl14-336"
_RESOLUTION = 336
_FEATURE_SIZE = 768
_LAYERS = 24
CLIP_STATISTICS = (
    (0.48145466, 0.4578275, 0.40821073),
    (0.26862954, 0.26130258, 0.27577711),
)
"""Mean and standard deviation of red, green, and blue in CLIP's training images, in [0, 1]."""


class ClipEmbedding(nn.Module):
    """A vision transformer whose output is scaled to length 1."""

    def __init__(self, transformer: nn.Module) -> None:
        super().__init__()
        self.transformer = transformer

    def forward(self, images: Tensor) -> Tensor:
        """Map standardized images (B, 3, 336, 336) to embeddings (B, 768) of length 1."""
        return normalize(self.transformer(images).float(), dim=1)


class CLIPNetwork(FeatureNetwork):
    """CLIP behind a square crop and Pillow's bicubic resize of 8-bit images, as in CMMD."""

    batch_size = 8
    cuda_batch_size = 64
    prepared_on_cpu = True

    def prepare(self, images: Tensor) -> Tensor:
        """Map uint8 images (B, C, H, W), C = 1 or 3, to standardized (B, 3, 336, 336)."""
        square = bicubic_uint8(images, (_RESOLUTION, _RESOLUTION), crop=True)
        return standardized(square.float(), CLIP_STATISTICS)


@register("clip")
def clip() -> FeatureNetwork:
    """CLIP ViT-L/14 at 336 pixels: 768 numbers of an image, scaled to length 1.

    Paper: Radford et al., 2021, arXiv:2103.00020
    """
    return _loaded(weights.identity(_WEIGHTS))


@functools.lru_cache(maxsize=1)
def _loaded(identity: str) -> CLIPNetwork:
    facts = NetworkFacts(
        name="clip",
        version=1,
        weights_sha256=identity,
        preprocessing=f"{_RESOLUTION}px-crop-bicubic-pil-clip",
        feature_size=_FEATURE_SIZE,
        classes=0,
        seconds=3.5,
    )
    return CLIPNetwork(assemble_clip(weights.load(_WEIGHTS)), facts)


def assemble_clip(tensors: Mapping[str, Tensor], layers: int = _LAYERS) -> nn.Module:
    """Return CLIP's image half from tensors that are named as in OpenAI's file.

    Args:
        tensors: Tensors of OpenAI's file; those of the text half are left out.
        layers: The number of transformer layers.

    Raises:
        MissingDataError: open_clip is not installed.
        InputError: Tensors are missing or have other shapes.
    """
    prefix = "visual."
    visual = {
        name.removeprefix(prefix): tensor.float()  # the file holds float16
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
    return ClipEmbedding(fill(_transformer(layers), visual, network=_WEIGHTS))


def _transformer(layers: int) -> nn.Module:
    """Return the vision transformer without values, with the activation of OpenAI's models."""
    open_clip: Any = import_extra("open_clip", network="clip", extra="clip")
    with without_values():
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
