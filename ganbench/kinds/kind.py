# SPDX-License-Identifier: MIT
"""The contract of a kind of data: stored, seen by networks, judged, shown and written."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ganbench.gan import DataSpec


@dataclass(frozen=True)
class FileWriter:
    """How one sample (...) is written as a file of its own."""

    suffix: str
    """The ending of the file: ``.png``."""
    write: Callable[[Tensor, Path], None]


class Kind(ABC):
    """A kind of data.

    *Examples* are what networks see and draw: floats (N, *data.shape). *Samples* are how examples
    are stored in a dataset and returned to users; each kind says what they are.
    """

    pictured: ClassVar[int]
    """How many samples a picture shows by default."""

    @abstractmethod
    def to_network(self, samples: Tensor, data: DataSpec) -> Tensor:
        """Return samples (N, ...) as the networks see them: float32 (N, *data.shape)."""

    @abstractmethod
    def to_samples(self, examples: Tensor, data: DataSpec) -> Tensor:
        """Return examples (N, *data.shape), as a generator makes them, as samples (N, ...).

        Examples that are not all finite are returned as they are, so that the caller can see it.
        """

    def valid(self, samples: Tensor, data: DataSpec) -> Tensor:
        """Tell which samples (N, ...) can be stored, as bool (N,): finite, and in their range."""
        return samples.isfinite().flatten(1).all(dim=1)

    @abstractmethod
    def measured(self, data: DataSpec) -> int:
        """Return how many samples are measured by default."""

    @abstractmethod
    def picture(self, samples: Tensor, data: DataSpec) -> Image.Image:
        """Return a picture of samples (N, ...), whether they are finite or not."""

    @abstractmethod
    def arrays(self, samples: Tensor, data: DataSpec) -> dict[str, NDArray[Any]]:
        """Return samples (N, ...) as the arrays of an npz file, which open as the same data."""

    def file_writer(self, data: DataSpec) -> FileWriter | None:
        """Return how one sample is written as a file; None where there is no such file."""
        return None
