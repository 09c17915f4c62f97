# SPDX-License-Identifier: MIT
"""The contract that a feature network fulfils: images in, features and probabilities out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ganbench.errors import InputError
from ganbench.gan import DataSpec

BATCH_SIZE = 500
"""Images, or channels of images, that go through a network at once."""


class Extracted(NamedTuple):
    """What a network says of N images, on the CPU, as float32.

    ``features`` is (N, d) and ``probabilities`` (N, K). Where the network read C channels one
    by one, features are concatenated to (N, C * d) and probabilities are (N, C, K).
    """

    features: Tensor
    probabilities: Tensor


@dataclass(frozen=True)
class NetworkFacts:
    """What a protocol must name, and what a metric must know, of a feature network.

    ``preprocessing`` is a word that pins how images become the network's input, and
    ``weights_sha256`` the hash of the weights in 64 hex digits. ``classes`` is K.
    """

    name: str
    version: int
    weights_sha256: str
    preprocessing: str
    feature_size: int
    classes: int

    @property
    def protocol(self) -> str:
        """The network's part of a protocol: ``name:first eight digits/preprocessing``."""
        return f"{self.name}:{self.weights_sha256[:8]}/{self.preprocessing}"


class FeatureNetwork(ABC):
    """A frozen network that describes images; a subclass says how a batch is read."""

    def __init__(self, module: nn.Module, facts: NetworkFacts) -> None:
        self.module = module.eval().requires_grad_(False)
        self.facts = facts

    @abstractmethod
    def read(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Map uint8 images (B, C, H, W), C = 1 or 3, to features (B, d) and logits (B, K)."""

    def reads_channels(self, spec: DataSpec) -> bool:
        """Tell whether images of a dataset are read channel by channel.

        They are where each channel shows an object of its own: a dataset of three channels and
        1,000 classes is three stacked digits to a network of ten classes.
        """
        several = spec.is_image and spec.channels > 1
        return several and spec.classes == self.facts.classes**spec.channels

    @torch.no_grad()
    def extract(
        self, images: Tensor, *, device: torch.device | str = "cpu", channelwise: bool = False
    ) -> Extracted:
        """Describe uint8 images (N, C, H, W) of any size, batch by batch.

        With ``channelwise`` each channel is read as a gray image. Results do not depend on
        global random numbers; on CUDA, TF32 is off and the kernels are deterministic.

        Raises:
            InputError: no images, or a tensor of another type or shape.
        """
        check_images(images)
        count, channels = images.shape[:2]
        inverse = None
        if channelwise:
            images, inverse = distinct(images.flatten(0, 1).unsqueeze(1))
        self.module.to(device)
        features, probabilities = [], []
        with torch.backends.cudnn.flags(
            enabled=True, benchmark=False, deterministic=True, allow_tf32=False
        ):
            for start in range(0, len(images), BATCH_SIZE):
                described, logits = self.read(images[start : start + BATCH_SIZE].to(device))
                features.append(described.float().cpu())
                probabilities.append(logits.float().softmax(dim=1).cpu())
        result = Extracted(torch.cat(features), torch.cat(probabilities))
        if inverse is None:
            return result
        return Extracted(
            result.features[inverse].view(count, -1),
            result.probabilities[inverse].view(count, channels, -1),
        )


def distinct(images: Tensor) -> tuple[Tensor, Tensor]:
    """Return the images (M, ...) that differ, and for each of all its index (N,) among them.

    A dataset of 50,000 stacks is made of 4,000 digits: reading each once saves most of the time.
    """
    places: dict[bytes, int] = {}
    inverse: list[int] = []
    first: list[int] = []
    for index, image in enumerate(images.cpu().numpy()):
        place = places.setdefault(image.tobytes(), len(places))
        if place == len(first):
            first.append(index)
        inverse.append(place)
    return images[first], torch.tensor(inverse)


def check_images(images: Tensor) -> None:
    """Raise InputError unless images are (N, C, H, W) uint8 with N >= 1 and C = 1 or 3."""
    if images.dtype != torch.uint8:
        raise InputError(f"A feature network reads uint8 images, not {images.dtype}.")
    if images.ndim != 4 or images.shape[1] not in {1, 3} or images.numel() == 0:
        raise InputError(
            "A feature network reads images (N, C, H, W) with one or three channels, "
            f"not {tuple(images.shape)}."
        )
