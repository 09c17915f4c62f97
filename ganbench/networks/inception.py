# SPDX-License-Identifier: MIT
"""Inception v3 as FID's authors used it (Szegedy et al., 2015; the TensorFlow graph of 2015-12-05).

The blocks are torch-fidelity's, which patch torchvision's to what that graph computes. Batch
normalization is folded into the convolutions before it. Features are the 2,048 numbers after the
last pooling. The classes are 1,008, and their logits are without the bias, as the Inception Score
has always been computed. Only the official file has the final layer: without it ``facts.classes``
is 0, and everything except the Inception Score can be computed.
"""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Callable, Mapping

from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch_fidelity.feature_extractor_inceptionv3 import (
    BasicConv2d,
    InceptionA,
    InceptionB,
    InceptionC,
    InceptionD,
    InceptionE_1,
    InceptionE_2,
)

from ganbench import weights
from ganbench.errors import ConfigError, GanbenchError, InputError
from ganbench.evaluation.feature_network import FeatureNetwork, NetworkFacts
from ganbench.evaluation.pretrained import of_another_network, without_values
from ganbench.nn.resize import bicubic_float, tf1_bilinear, three_channels
from ganbench.registry import register

_WEIGHTS = "inception"
_RESOLUTION = 299
_FEATURE_SIZE = 2048
_CLASSES = 1008
_SPATIAL_CHANNELS = 7
_SECONDS_PER_IMAGE = 0.1


class Inception(nn.Module):
    """The network with folded batch normalization, from tensors named as in torch-fidelity."""

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.final: Tensor | None
        self.trunk = fold_batch_norm(tensors)
        self.pool = nn.AdaptiveAvgPool2d((1, 1))
        self.register_buffer("final", tensors.get("fc.weight"))  # (1008, 2048)

    def forward(self, images: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Map images (B, 3, 299, 299) in [-1, 1) to features (B, 2048), and logits (B, 1008)."""
        # In bf16, too, the mean over 64 places is made and kept in fp32.
        features: Tensor = self.pool(self.trunk(images).float()).flatten(1)  # (B, 2048)
        if self.final is None:
            return features
        return features, features.mm(self.final.T)


def fold_batch_norm(tensors: Mapping[str, Tensor]) -> nn.Sequential:
    """Return the trunk up to the last pooling with its weights, batch normalization folded away.

    Raises:
        InputError: Tensors are missing or have other shapes.
    """
    with without_values():
        trunk = _trunk().eval().requires_grad_(False)
    # The counters of batches are missing: only training needs them. So loading is not strict.
    needed = {name for name in trunk.state_dict() if not name.endswith("num_batches_tracked")}
    own = {name: tensors[name] for name in needed if name in tensors}
    try:
        missing = trunk.load_state_dict(own, strict=False, assign=True).missing_keys
    except RuntimeError as error:
        raise of_another_network("Inception") from error
    if lacking := sorted(needed.intersection(missing)):
        raise InputError(f"Inception lacks {len(lacking)} tensors, such as {lacking[0]}.")
    for block in trunk.modules():
        if isinstance(block, BasicConv2d):
            block.conv = fuse_conv_bn_eval(block.conv, block.bn)
            block.bn = nn.Identity()
    return trunk


def _trunk() -> nn.Sequential:
    return nn.Sequential(
        OrderedDict(
            Conv2d_1a_3x3=BasicConv2d(3, 32, kernel_size=3, stride=2),  # (B, 32, 149, 149)
            Conv2d_2a_3x3=BasicConv2d(32, 32, kernel_size=3),
            Conv2d_2b_3x3=BasicConv2d(32, 64, kernel_size=3, padding=1),
            MaxPool_1=nn.MaxPool2d(kernel_size=3, stride=2),  # (B, 64, 73, 73)
            Conv2d_3b_1x1=BasicConv2d(64, 80, kernel_size=1),
            Conv2d_4a_3x3=BasicConv2d(80, 192, kernel_size=3),
            MaxPool_2=nn.MaxPool2d(kernel_size=3, stride=2),  # (B, 192, 35, 35)
            Mixed_5b=InceptionA(192, pool_features=32),
            Mixed_5c=InceptionA(256, pool_features=64),
            Mixed_5d=InceptionA(288, pool_features=64),
            Mixed_6a=InceptionB(288),  # (B, 768, 17, 17)
            Mixed_6b=InceptionC(768, channels_7x7=128),
            Mixed_6c=InceptionC(768, channels_7x7=160),
            Mixed_6d=InceptionC(768, channels_7x7=160),
            Mixed_6e=InceptionC(768, channels_7x7=192),
            Mixed_7a=InceptionD(768),  # (B, 1280, 8, 8)
            Mixed_7b=InceptionE_1(1280),
            Mixed_7c=InceptionE_2(2048),  # (B, 2048, 8, 8)
        )
    )


class SpatialInception(nn.Module):
    """The network up to ``mixed_6/conv`` of the TensorFlow graph, of which 7 channels are kept."""

    def __init__(self, trunk: nn.Sequential) -> None:
        super().__init__()
        names = [name for name, _ in trunk.named_children()]
        before = names.index("Mixed_6d")
        self.trunk = trunk[:before]
        self.branch = trunk.get_submodule("Mixed_6d.branch1x1")

    def forward(self, images: Tensor) -> Tensor:
        """Map images (B, 3, 299, 299) in [-1, 1) to features (B, 2023)."""
        maps: Tensor = self.branch(self.trunk(images))  # (B, 192, 17, 17)
        return maps[:, :_SPATIAL_CHANNELS].float().flatten(1)


class InceptionNetwork(FeatureNetwork):
    """Inception behind a way of resizing: TensorFlow 1's, or clean-fid's."""

    batch_size = 16
    cuda_batch_size = 128

    def __init__(
        self,
        module: Inception | SpatialInception,
        facts: NetworkFacts,
        resize: Callable[[Tensor, tuple[int, int]], Tensor],
        *,
        on_cpu: bool = False,
    ) -> None:
        super().__init__(module, facts)
        self._resize = resize
        self.prepared_on_cpu = on_cpu

    def without_classes(self) -> GanbenchError:
        """Return the error that says how to get the final layer."""
        try:
            weights.load(_WEIGHTS, whole=True)
        except GanbenchError as error:
            return error
        return ConfigError(
            "Inception was loaded before its final layer was stored.", "Start again."
        )

    def prepare(self, images: Tensor) -> Tensor:
        """Map uint8 images (B, C, H, W), C = 1 or 3, to (B, 3, 299, 299) in [-1, 1)."""
        resized = self._resize(images, (_RESOLUTION, _RESOLUTION))  # (B, C, 299, 299) in 0..255
        # Gray is repeated last: three equal channels resized are one resized channel, three times.
        return three_channels((resized - 128) / 128)


@register("inception")
def inception() -> FeatureNetwork:
    """Inception v3 of 2015 behind TensorFlow 1's bilinear resize: the network of FID, KID, and IS.

    Paper: Szegedy et al., 2015, arXiv:1512.00567
    """
    module = _module()
    facts = _facts("inception", module, f"{_RESOLUTION}px-bilinear-tf1")
    return InceptionNetwork(module, facts, tf1_bilinear)


@register("inception-clean")
def inception_clean() -> FeatureNetwork:
    """Inception v3 of 2015 behind Pillow's bicubic resize, antialiased and not rounded.

    Paper: Parmar et al., 2022, arXiv:2104.11222
    """
    module = _module()
    facts = _facts("inception-clean", module, f"{_RESOLUTION}px-bicubic-pil-float")
    return InceptionNetwork(module, facts, bicubic_float, on_cpu=True)


@register("inception-spatial")
def inception_spatial() -> FeatureNetwork:
    """7 channels, 17 x 17 places each, of Inception v3 of 2015: the network of sFID.

    Paper: Nash et al., 2021, arXiv:2103.03841
    """
    facts = NetworkFacts(
        name="inception-spatial",
        version=1,
        weights_sha256=weights.identity(_WEIGHTS),
        preprocessing=f"{_RESOLUTION}px-bilinear-tf1",
        feature_size=_SPATIAL_CHANNELS * 17 * 17,
        classes=0,
        seconds=_SECONDS_PER_IMAGE,
    )
    return InceptionNetwork(SpatialInception(_module().trunk), facts, tf1_bilinear)


def _facts(name: str, module: Inception, preprocessing: str) -> NetworkFacts:
    return NetworkFacts(
        name=name,
        version=1,
        weights_sha256=weights.identity(_WEIGHTS),
        preprocessing=preprocessing,
        feature_size=_FEATURE_SIZE,
        classes=0 if module.final is None else _CLASSES,
        seconds=_SECONDS_PER_IMAGE,
    )


def _module() -> Inception:
    return _loaded(weights.identity(_WEIGHTS), weights.have(_WEIGHTS, whole=True))


@functools.lru_cache(maxsize=1)
def _loaded(identity: str, whole: bool) -> Inception:
    """Read the weights once for both ways of resizing."""
    return Inception(weights.load(_WEIGHTS, whole=whole))
