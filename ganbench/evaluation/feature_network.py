# SPDX-License-Identifier: MIT
"""The contract of a feature network: images in, features and class probabilities out.

A feature network is registered as a function that returns a ``FeatureNetwork``::

    class Rows(FeatureNetwork):
        '''Means of the rows of images that are resized to 32 x 32.'''

        def prepare(self, images: Tensor) -> Tensor:
            gray = images.float().mean(dim=1, keepdim=True)  # (B, 1, H, W)
            return interpolate(gray, (32, 32), mode="area").mean(dim=(1, 3))  # (B, 32)

    @register("rows")
    def rows() -> FeatureNetwork:
        '''Mean of each of 32 rows of pixels, in 0..255.'''
        facts = NetworkFacts("rows", 1, "", "32px-area", feature_size=32, classes=0)
        return Rows(nn.Identity(), facts)

From then on, ``fid@rows`` is a metric.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ganbench.errors import ConfigError, GanbenchError, InputError
from ganbench.runtime.inference import Compute, forward_of
from ganbench.runtime.transfer import begin_fetch, send

SLOW = 1e-3
"""Seconds an image above which a network is slow: its numbers for real data are cached."""


class Extracted(NamedTuple):
    """The numbers that a network gives of N images, as float32 or its own float64.

    ``features`` is (N, d) and ``probabilities`` (N, K), None where the network classifies
    nothing. Where the network read C channels one by one, features are concatenated to
    (N, C * d) and probabilities are (N, C, K).
    """

    features: Tensor
    probabilities: Tensor | None


@dataclass(frozen=True)
class NetworkFacts:
    """The facts about a network that a protocol must name and a metric must know.

    Attributes:
        name: The name under which the network is registered.
        version: Raised with every change that moves its numbers.
        weights_sha256: The hash of the weights in 64 hex digits, empty for a rule without
            weights.
        preprocessing: A word that pins how images become the network's input.
        feature_size: d, 0 where it depends on the images.
        classes: K, 0 where the network classifies nothing.
        seconds: About how long one image takes on one CPU core. A network above a millisecond
            measures during training only if asked to.
        exact: Whether the numbers are the same in every engine and number format of ``Compute``.
    """

    name: str
    version: int
    weights_sha256: str
    preprocessing: str
    feature_size: int
    classes: int
    seconds: float = 0.0
    exact: bool = False

    @property
    def protocol(self) -> str:
        """The network's part of a protocol: ``name:first eight digits/preprocessing``.

        A version above the first stands after the name: ``name.v2``.
        """
        version = f".v{self.version}" if self.version > 1 else ""
        weights = f":{self.weights_sha256[:8]}" if self.weights_sha256 else ""
        return f"{self.name}{version}{weights}/{self.preprocessing}"

    @property
    def slow(self) -> bool:
        """Whether the network takes more than a millisecond an image."""
        return self.seconds > SLOW


class FeatureNetwork(ABC):
    """A frozen network that describes images. A subclass says how a batch becomes its input.

    Args:
        module: Maps prepared batches to features (B, d), or to features and logits (B, K). It is
            put into evaluation mode, and its parameters get no gradients.
        facts: What protocols and metrics must know of it.
    """

    batch_size = 500
    """Images, or channels of images, that go through the network at once."""
    cuda_batch_size: int | None = None
    """The same on a CUDA device, most of which a small batch leaves idle; None for no other."""
    prepared_on_cpu = False
    """Whether images are prepared on the CPU, wherever the module computes.

    It is for ways of resizing that are defined by what a program of the CPU gives.
    """

    def __init__(self, module: nn.Module, facts: NetworkFacts) -> None:
        self.module = module.eval().requires_grad_(False)
        self.facts = facts

    @abstractmethod
    def prepare(self, images: Tensor) -> Tensor:
        """Return the module's input for a batch of images.

        Args:
            images: uint8 (B, C, H, W), C = 1 or 3, on the device of the computation.

        Returns:
            The module's input (B, ...), of one size for images of any size.
        """

    def without_classes(self) -> GanbenchError:
        """Return the error of a metric that needs probabilities where there are none."""
        return ConfigError(
            f"The network {self.facts.name} classifies nothing, and a classifier was expected."
        )

    def reads_channels(self, channels: int, classes: int) -> bool:
        """Tell whether images of a dataset are read channel by channel.

        They are where each channel shows an object of its own: to a network of ten classes, a
        dataset of three channels and 1,000 classes is three stacked digits.
        """
        return channels > 1 and self.facts.classes > 1 and classes == self.facts.classes**channels

    def rows(self, compute: Compute) -> int:
        """Return how many images, or channels of images, go through the network at once."""
        on_cuda = torch.device(compute.device).type == "cuda"
        own = (self.cuda_batch_size if on_cuda else None) or self.batch_size
        return compute.batch_size or own

    def extract(
        self,
        images: Tensor | Sequence[Tensor],
        *,
        compute: Compute = Compute(),  # noqa: B008 - frozen
        channelwise: bool = False,
    ) -> Extracted:
        """Return the features and probabilities of images on the CPU, computed batch by batch.

        The numbers do not depend on global random numbers.

        Args:
            images: uint8 (N, C, H, W), C = 1 or 3, or N images (C, H, W) of any sizes.
            compute: Where and how the network computes.
            channelwise: Whether each channel is read as a gray image.

        Raises:
            InputError: There are no images, or a tensor of another type or shape.
        """
        return self.begin(images, compute=compute, channelwise=channelwise)()

    @torch.no_grad()
    def begin(
        self, images: Tensor | Sequence[Tensor], *, compute: Compute, channelwise: bool
    ) -> Callable[[], Extracted]:
        """Do what ``extract`` does, but return a function that waits for the numbers.

        A CUDA device computes them meanwhile; the caller can read further images.
        """
        if not len(images):
            raise InputError("A feature network reads at least one image.")
        if channelwise:
            stacked = images if isinstance(images, Tensor) else torch.stack(list(images))
            return self._begin_channels(stacked, compute)
        features, probabilities = [], []
        size = self.rows(compute)
        for start in range(0, len(images), size):
            prepared = self._prepared(images[start : start + size], compute.device)
            extracted = self._forward(prepared, compute)
            features.append(begin_fetch(extracted.features))
            if extracted.probabilities is not None:
                probabilities.append(begin_fetch(extracted.probabilities))

        def numbers() -> Extracted:
            return Extracted(
                torch.cat([wait() for wait in features]),
                torch.cat([wait() for wait in probabilities]) if probabilities else None,
            )

        return numbers

    def _begin_channels(self, images: Tensor, compute: Compute) -> Callable[[], Extracted]:
        """Read each channel of images (N, C, H, W) as a gray image, and equal ones once."""
        check_images(images)
        count, channels = images.shape[:2]
        grays, inverse = distinct(images.flatten(0, 1).unsqueeze(1))  # (M, 1, H, W), (N * C,)
        numbers_of_grays = self.begin(grays, compute=compute, channelwise=False)

        def numbers() -> Extracted:
            features, probabilities = numbers_of_grays()
            assert probabilities is not None
            return Extracted(
                features[inverse].view(count, -1), probabilities[inverse].view(count, channels, -1)
            )

        return numbers

    def _prepared(self, images: Tensor | Sequence[Tensor], device: str) -> Tensor:
        """Return the module's input for images, those in a list group by group of one shape."""
        if self.prepared_on_cpu and device != "cpu":
            return send(self._prepared(images, "cpu"), device)
        if isinstance(images, Tensor):
            check_images(images)
            return self.prepare(send(images, device))
        prepared: list[Tensor] = [torch.empty(0)] * len(images)
        for indices in groups_by_shape(images):
            batch = send(torch.stack([images[index] for index in indices]), device)
            check_images(batch)
            for index, row in zip(indices, self.prepare(batch), strict=True):
                prepared[index] = row
        if len({row.shape for row in prepared}) > 1:
            raise InputError(
                f"The network {self.facts.name} reads images of one size and number of channels."
            )
        return torch.stack(prepared)

    def _forward(self, inputs: Tensor, compute: Compute) -> Extracted:
        """Return the numbers of prepared images, where they were computed."""
        outputs = forward_of(self.module, inputs, compute)(inputs)
        features, logits = outputs if len(outputs) == 2 else (outputs[0], None)
        return Extracted(
            features if features.dtype == torch.float64 else features.float(),
            None if logits is None else logits.float().softmax(dim=1),
        )


def groups_by_shape(images: Sequence[Tensor]) -> list[list[int]]:
    """Return the indices of images (C, H, W) in groups of equal shape, in order of appearance."""
    groups: dict[torch.Size, list[int]] = {}
    for index, image in enumerate(images):
        groups.setdefault(image.shape, []).append(index)
    return list(groups.values())


def distinct(images: Tensor) -> tuple[Tensor, Tensor]:
    """Return the images (M, ...) that differ, and for each of all N its index (N,) among them.

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
