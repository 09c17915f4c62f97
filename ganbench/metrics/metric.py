# SPDX-License-Identifier: MIT
"""The contract that a metric fulfils: what it needs, and the value that it returns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from ganbench.gan import Mixture

Need = Literal["features", "probabilities", "points"]
Better = Literal["higher", "lower"]
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Evidence:
    """What is known of one set of samples; only what some metric needs is there.

    ``features`` (N, d) and ``probabilities`` (N, K) come from a feature network; an image that
    the network reads channel by channel has probabilities (N, C, K). ``points`` (N, D) are the
    samples themselves; ``mixture`` is the density that they should follow.
    """

    count: int
    features: Array | None = None
    probabilities: Array | None = None
    points: Array | None = None
    mixture: Mixture | None = None


@dataclass(frozen=True)
class Value:
    """A number with its 95 % interval; ``note`` says how it was made, or why there is none."""

    value: float
    low: float | None = None
    high: float | None = None
    note: str = ""


class Metric(ABC):
    """A number about samples. A subclass states its facts and computes; it loads nothing.

    ``parameters`` is what the protocol string must name beside the network and the counts.
    """

    version: ClassVar[int] = 1
    unit: ClassVar[str] = ""
    better: ClassVar[Better]
    needs: ClassVar[tuple[Need, ...]]
    parameters: ClassVar[str] = ""

    @abstractmethod
    def compute(self, real: Evidence, fake: Evidence, *, seed: int) -> Value:
        """Return the value for ``fake`` measured against ``real``; ``seed`` is for resampling.

        Raises:
            InputError: too few samples, or samples that are not finite.
        """
