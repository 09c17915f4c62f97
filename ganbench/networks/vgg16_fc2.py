# SPDX-License-Identifier: MIT
"""VGG-16's second linear layer, rectified: the features of improved precision and recall."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import torchvision
from torch import Tensor, nn

from ganbench import weights
from ganbench.evaluation.feature_network import FeatureNetwork, NetworkFacts
from ganbench.evaluation.pretrained import fill, without_values
from ganbench.nn.resize import IMAGENET, standardized, tf1_bilinear
from ganbench.registry import register

_WEIGHTS = "vgg16"
_RESOLUTION = 224
_FEATURE_SIZE = 4096
_LINEAR_LAYERS = 5
"""Layers of torchvision's ``classifier`` up to the second rectified linear one."""


class VGG16Network(FeatureNetwork):
    """VGG-16 up to fc2 behind TensorFlow 1's bilinear resize, as in torch-fidelity."""

    batch_size = 16
    cuda_batch_size = 64

    def prepare(self, images: Tensor) -> Tensor:
        """Map uint8 images (B, C, H, W), C = 1 or 3, to standardized (B, 3, 224, 224)."""
        return standardized(tf1_bilinear(images, (_RESOLUTION, _RESOLUTION)), IMAGENET)


@register("vgg16-fc2")
def vgg16_fc2() -> FeatureNetwork:
    """VGG-16's second linear layer, rectified: the space of improved precision and recall.

    Paper: Kynkäänniemi et al., 2019, arXiv:1904.06991
    """
    return _loaded(weights.identity(_WEIGHTS))


@functools.lru_cache(maxsize=1)
def _loaded(identity: str) -> VGG16Network:
    facts = NetworkFacts(
        name="vgg16-fc2",
        version=1,
        weights_sha256=identity,
        preprocessing=f"{_RESOLUTION}px-bilinear-tf1-imagenet",
        feature_size=_FEATURE_SIZE,
        classes=0,
        seconds=0.2,
    )
    return VGG16Network(assemble_vgg16_fc2(weights.load(_WEIGHTS, whole=True)), facts)


def assemble_vgg16_fc2(tensors: Mapping[str, Tensor]) -> nn.Module:
    """Return VGG-16 up to the second rectified linear layer, from torchvision's tensors.

    Raises:
        InputError: Tensors are missing or have other shapes.
    """
    network: Any
    with without_values():
        network = torchvision.models.vgg16()
    network.classifier = network.classifier[:_LINEAR_LAYERS]
    needed = network.state_dict()
    own = {name: tensor for name, tensor in tensors.items() if name in needed}
    module: nn.Module = fill(network, own, network=_WEIGHTS)
    return module
