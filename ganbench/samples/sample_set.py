# SPDX-License-Identifier: MIT
"""A set of samples to measure, which is read chunk by chunk, as often as needed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganbench.data.dataset import Dataset
from ganbench.data.value_range import ValueRange, to_pixels
from ganbench.errors import InputError
from ganbench.gan import DataSpec, Mixture, SampleKind
from ganbench.kinds.eight_bit import to_uint8
from ganbench.samples.latent_paths import LatentPaths

CHUNK = 64
"""Samples that are read, and go through a network, at once."""


@dataclass(frozen=True)
class Chunk:
    """Some samples in a row.

    ``values`` are images (B, C, H, W) uint8 with C = 1 or 3, a list of images (C, H, W) where
    they differ in size or channels, or points (B, D) float32 or float64. ``indices`` (B,) count
    from 0 over the whole set, including samples that had to be skipped.
    """

    values: Tensor | list[Tensor]
    indices: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.indices)


@dataclass(frozen=True)
class Facts:
    """What a protocol and a cache must know about a set of samples.

    ``name`` is short and holds no path of a machine. ``version`` pins the content: it is a hash
    or a dataset's version, and empty where neither is known.
    ``drawn`` says that samples come from a generator, and that the version pins the generator.
    ``network`` is the dataset's own classifier, and ``classes`` the number of classes, 0 where
    unknown. ``shape`` is that of a sample, (C, H, W) or (D,), where all share it, or None.
    """

    name: str
    version: str
    kind: SampleKind
    split: str = "all"
    shape: tuple[int, ...] | None = None
    classes: int = 0
    network: str | None = None
    mixture: Mixture | None = None
    drawn: bool = False


class Samples(ABC):
    """A set of samples. Reading it again gives the same samples.

    ``names`` are the files' names in the order of reading, where samples are files. ``skipped``
    gives the reason for each file that could not be read; it fills while chunks are read.
    ``passed_over`` counts by reason what else lies where the samples are, and ``notices`` are
    sentences about it and about what was taken for classes. ``paths`` lead through the latents of
    the generator, where one is at hand. ``takes_range`` says that they are read from floating-point
    images, whose black and white a user may state.
    """

    facts: Facts
    names: Sequence[str] | None = None
    labels: NDArray[np.int64] | None = None
    skipped: dict[str, str]
    passed_over: Mapping[str, int] = MappingProxyType({})
    notices: tuple[str, ...] = ()
    paths: LatentPaths | None = None
    takes_range: bool = False

    @abstractmethod
    def __len__(self) -> int:
        """Return how many samples there are, including any that will have to be skipped."""

    @abstractmethod
    def chunks(self, size: int = CHUNK) -> Iterator[Chunk]:
        """Yield all samples in order, at most ``size`` at once.

        Raises:
            InputError: samples that cannot be read, or whose values are not finite.
        """


class TensorSamples(Samples):
    """Samples in memory: images (N, C, H, W) uint8, C = 1 or 3, or points (N, D) of floats."""

    def __init__(
        self, values: Tensor, facts: Facts, *, labels: NDArray[np.int64] | None = None
    ) -> None:
        self.values = values
        self.facts = facts
        self.labels = labels
        self.skipped = {}

    def __len__(self) -> int:
        return len(self.values)

    def chunks(self, size: int = CHUNK) -> Iterator[Chunk]:
        """Yield slices of the tensor."""
        for start in range(0, len(self.values), size):
            values = self.values[start : start + size]
            yield Chunk(values, np.arange(start, start + len(values)))


def of_dataset(dataset: Dataset) -> TensorSamples:
    """Return a loaded split of a dataset as samples."""
    facts = facts_of(dataset.spec, dataset.split)
    labels = None if dataset.labels is None else dataset.labels.cpu().numpy()
    return TensorSamples(dataset.values, facts, labels=labels)


def of_tensor(values: Tensor, *, name: str = "samples") -> TensorSamples:
    """Return samples in memory: images (N, C, H, W) uint8 or float in [-1, 1], or points (N, D).

    Raises:
        InputError: another shape or type, no samples, or values that are not finite.
    """
    image = values.ndim == 4 and values.shape[1] in {1, 3}
    if not (image or values.ndim == 2) or not values.numel():
        raise InputError(
            "Samples must be images (N, C, H, W) with C = 1 or 3, or points (N, D), with N >= 1, "
            f"not {tuple(values.shape)}."
        )
    if not (image and values.dtype == torch.uint8):
        if not values.dtype.is_floating_point:
            types = "uint8 or floating-point" if image else "floating-point"
            raise InputError(f"Samples must be {types}, not {values.dtype}.")
        check_finite(values)
        values = to_uint8(values.float()) if image else as_points(values)
    kind: SampleKind = "images" if image else "points"
    return TensorSamples(values, Facts(name, "", kind, shape=tuple(values.shape[1:])))


def to_samples(values: Tensor, kind: SampleKind, value_range: ValueRange | None = None) -> Tensor:
    """Return images (B, C, H, W) as uint8, or points (B, D) as floats, on the CPU.

    Points of float64 stay so: far from the origin, float32 would lose what tells them apart.
    Floating-point images are mapped from ``value_range``, which is [-1, 1] where it is None.

    Raises:
        InputError: values that are NaN or infinite.
    """
    values = values.detach().cpu()
    if values.dtype == torch.uint8 and kind == "images":
        return values
    check_finite(values)
    return to_pixels(values.float(), value_range) if kind == "images" else as_points(values)


def as_points(values: Tensor) -> Tensor:
    """Return points (N, D) of floats as float32, or as float64 where they are."""
    return values if values.dtype == torch.float64 else values.float()


def check_finite(values: Tensor) -> None:
    """Raise InputError if any of the samples (N, ...) are NaN or infinite, also as float32."""
    broken = int((~values.float().isfinite()).flatten(1).any(dim=1).sum())
    if broken:
        raise InputError(
            f"{broken} of {len(values)} samples hold values that are NaN or infinite: "
            "the generator has diverged.",
            "Train it with a smaller learning rate, or add a penalty: --trick r1",
        )


def facts_of(spec: DataSpec, split: str) -> Facts:
    """Return the facts of a split of a dataset."""
    return Facts(
        name=short_name(spec.name),
        version=spec.version,
        kind=spec.plural,
        split=split,
        shape=spec.shape,
        classes=spec.classes,
        network=spec.network,
        mixture=spec.mixture,
    )


def expect(samples: Samples, spec: DataSpec) -> None:
    """Raise InputError unless samples have the channels or dimensions of a dataset."""
    shape = samples.facts.shape
    same_kind = samples.facts.kind == spec.plural
    if not (same_kind and shape is not None and shape[0] == spec.channels):
        axes = (spec.channels, "H", "W") if spec.is_image else spec.shape
        expected = f"{spec.plural} (N, {', '.join(map(str, axes))})"
        raise InputError(
            f"Samples to be measured against {spec.name} must be {expected}, not (N, "
            f"{', '.join(map(str, shape or ()))})."
        )


def short_name(name: str) -> str:
    """Return the last part of a path, or a plain name: no protocol holds a machine's paths."""
    return name.rstrip("/").rpartition("/")[2]
