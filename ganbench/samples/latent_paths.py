# SPDX-License-Identifier: MIT
"""What a set of samples knows of the generator behind it: images along paths between latents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from torch import Tensor


@dataclass(frozen=True)
class PathKind:
    """Between what latents paths run, and where on them steps are taken."""

    space: Literal["z", "w"]
    """``z``: along the sphere of the latents; ``w``: straight, between the outputs of the mapping
    network."""
    ends_only: bool = False
    """Whether all steps begin at an end of a path rather than anywhere on it."""


class LatentPaths(Protocol):
    """Draws images a small step apart on random paths through the latents of a generator."""

    def steps(
        self, kind: PathKind, count: int, *, epsilon: float
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield batches of images (B, C, H, W) in [-1, 1], before and after a step of a path.

        Args:
            kind: The kind of the paths.
            count: The number of paths, each of which gives one step.
            epsilon: The length of a step, as a share of its path.

        Raises:
            ConfigError: The generator has no such paths.
        """
