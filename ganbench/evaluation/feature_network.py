# SPDX-License-Identifier: MIT
"""The contract that a feature network fulfils: images in, features and probabilities out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ganbench.errors import ConfigError, GanbenchError, InputError
from ganbench.runtime.inference import Compute, forward_of


class Extracted(NamedTuple):
    """What a network says of N images, on the CPU, as float32.

    ``features`` is (N, d) and ``probabilities`` (N, K), None where the network classifies
    nothing. Where the network read C channels one by one, features are concatenated to
    (N, C * d) and probabilities are (N, C, K).
    """

    features: Tensor
    probabilities: Tensor | None


@dataclass(frozen=True)
class NetworkFacts:
    """What a protocol must name, and what a metric must know, of a network.

    ``preprocessing`` is a word that pins how images become the network's input, and
    ``weights_sha256`` the hash of the weights in 64 hex digits, empty for a rule that has none.
    ``feature_size`` is d, 0 where it depends on the images; ``classes`` is K, 0 where it
    classifies nothing. ``seconds`` is about how long one image takes on one CPU core:
    what is above a millisecond is not measured in the course of training unless asked for.
    """

    name: str
    version: int
    weights_sha256: str
    preprocessing: str
    feature_size: int
    classes: int
    seconds: float = 0.0

    @property
    def protocol(self) -> str:
        """The network's part of a protocol: ``name:first eight digits/preprocessing``."""
        weights = f":{self.weights_sha256[:8]}" if self.weights_sha256 else ""
        return f"{self.name}{weights}/{self.preprocessing}"


class FeatureNetwork(ABC):
    """A frozen network that describes images; a subclass says how a batch is read."""

    batch_size = 500
    """Images, or channels of images, that go through the network at once."""

    def __init__(self, module: nn.Module, facts: NetworkFacts) -> None:
        self.module = module.eval().requires_grad_(False)
        self.facts = facts

    @abstractmethod
    def prepare(self, images: Tensor) -> Tensor:
        """Map uint8 images (B, C, H, W), C = 1 or 3, to the module's input, of one size for all.

        The module maps that to features (B, d), or to features and logits (B, K).
        """

    def without_classes(self) -> GanbenchError:
        """Return the error of a metric that needs probabilities where there are none."""
        return ConfigError(
            f"The network {self.facts.name} classifies nothing, and a classifier was expected."
        )

    def reads_channels(self, channels: int, classes: int) -> bool:
        """Tell whether images of a dataset are read channel by channel.

        They are where each channel shows an object of its own: a dataset of three channels and
        1,000 classes is three stacked digits to a network of ten classes.
        """
        return channels > 1 and self.facts.classes > 1 and classes == self.facts.classes**channels

    @torch.no_grad()
    def extract(
        self,
        images: Tensor | Sequence[Tensor],
        *,
        compute: Compute = Compute(),  # noqa: B008 - frozen
        channelwise: bool = False,
    ) -> Extracted:
        """Describe uint8 images (N, C, H, W) of any size, batch by batch, or N images (C, H, W).

        With ``channelwise`` each channel is read as a gray image. Results do not depend on
        global random numbers.

        Raises:
            InputError: no images, or a tensor of another type or shape.
        """
        if not len(images):
            raise InputError("A feature network reads at least one image.")
        count, inverse = len(images), None
        if channelwise:
            given = images if isinstance(images, Tensor) else torch.stack(list(images))
            check_images(given)
            channels = given.shape[1]
            images, inverse = distinct(given.flatten(0, 1).unsqueeze(1))
        features, probabilities = [], []
        size = compute.batch_size or self.batch_size
        for start in range(0, len(images), size):
            prepared = self._prepared(images[start : start + size], compute.device)
            described = self._forward(prepared, compute)
            features.append(described.features)
            if described.probabilities is not None:
                probabilities.append(described.probabilities)
        result = Extracted(torch.cat(features), torch.cat(probabilities) if probabilities else None)
        if inverse is None:
            return result
        assert result.probabilities is not None
        return Extracted(
            result.features[inverse].view(count, -1),
            result.probabilities[inverse].view(count, channels, -1),
        )

    def _prepared(self, images: Tensor | Sequence[Tensor], device: str) -> Tensor:
        """Return the module's input for images, those in a list group by group of one shape."""
        if isinstance(images, Tensor):
            check_images(images)
            return self.prepare(images.to(device))
        prepared: list[Tensor] = [torch.empty(0)] * len(images)
        for alike in same_shape(images):
            batch = torch.stack([images[index] for index in alike]).to(device)
            check_images(batch)
            for index, one in zip(alike, self.prepare(batch), strict=True):
                prepared[index] = one
        if len({one.shape for one in prepared}) > 1:
            raise InputError(
                f"The network {self.facts.name} reads images of one size and number of channels."
            )
        return torch.stack(prepared)

    def _forward(self, inputs: Tensor, compute: Compute) -> Extracted:
        outputs = forward_of(self.module, inputs, compute)(inputs)
        features, logits = outputs if len(outputs) == 2 else (outputs[0], None)
        return Extracted(
            features.float().cpu(),
            None if logits is None else logits.float().softmax(dim=1).cpu(),
        )


class PairNetwork(ABC):
    """A distance, or a similarity, between two images."""

    batch_size = 32
    """Pairs that are compared at once."""

    facts: NetworkFacts

    @abstractmethod
    def distances(self, first: Tensor, second: Tensor, *, compute: Compute) -> Tensor:
        """Compare uint8 images (B, C, H, W) with others of their shape, to (B,) on the CPU.

        Raises:
            InputError: images that are too small for the network.
        """


Network = FeatureNetwork | PairNetwork


def same_shape(images: Sequence[Tensor]) -> list[list[int]]:
    """Return the indices of images (C, H, W) in groups of equal shape, in order of appearance."""
    groups: dict[torch.Size, list[int]] = {}
    for index, image in enumerate(images):
        groups.setdefault(image.shape, []).append(index)
    return list(groups.values())


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
