# SPDX-License-Identifier: MIT
"""The contract that a metric fulfils: what it needs, and the value that it returns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from ganbench.evaluation.math.moments import Array, Moments, moments
from ganbench.gan import Mixture
from ganbench.records.measurement import Better

Need = Literal["moments", "features", "probabilities", "pairs", "class-pairs", "counterparts"]
"""What a metric asks of a set of images; see the fields of ``Evidence``.

- ``moments``, ``features``, ``probabilities``: what a feature network says.
- ``pairs``: distances within random, disjoint pairs of the set; ``class-pairs``: of pairs that
  share their class; ``counterparts``: from each sample to the real one of the same name.
"""

Points = Literal["no", "mixture", "features"]
"""Whether a metric is one of points, too: of a known mixture, or with points as features."""

Features = NDArray[np.floating[Any]]

PROBED = 4096
"""Random samples whose features are kept beside streamed moments."""


@dataclass(frozen=True)
class Evidence:
    """What is known of one set of samples; only what some metric needs is there.

    ``moments``, ``features`` (N, d) float32 and ``probabilities`` (N, K) come from a feature
    network; an image that the network reads channel by channel has probabilities (N, C, K).
    ``features`` may be a memory map: read it in blocks. ``probe`` (n, d), n <= 4,096, are the
    features of a random part of the samples, there wherever moments are. ``halves`` are the same
    for two random halves of the samples; ``half`` (N,) bool marks the second of them.
    ``distances`` (P,) are those of pairs of images. ``points`` (N, D) are the samples themselves;
    ``mixture`` is the density that they should follow. ``alike`` says that all samples, more than
    one, are identical.
    """

    count: int
    moments: Moments | None = None
    probe: Features | None = None
    features: Features | None = None
    probabilities: Features | None = None
    distances: Array | None = None
    points: Array | None = None
    mixture: Mixture | None = None
    half: NDArray[np.bool_] | None = None
    half_moments: tuple[Moments, Moments] | None = None
    alike: bool = False

    def halves(self) -> tuple[Evidence, Evidence] | None:
        """Return what is known of two random halves, or None where that is not known."""
        if self.half is None:
            return None
        first, second = (
            Evidence(
                count=int(rows.sum()),
                moments=self.half_moments[index] if self.half_moments else None,
                features=None if self.features is None else self.features[rows],
                probabilities=None if self.probabilities is None else self.probabilities[rows],
            )
            for index, rows in enumerate((~self.half, self.half))
        )
        return first, second


def split(count: int, seed: int = 0) -> NDArray[np.bool_]:
    """Return which of ``count`` samples are in the second of two random halves, (count,) bool."""
    return np.random.default_rng(seed).random(count) < 0.5


def of_features(features: Features, *, mixture: Mixture | None = None) -> Evidence:
    """Return all that features (N, d) in memory say: their moments, halves and a probe."""
    count = len(features)
    half = split(count)
    enough = min(int(half.sum()), int((~half).sum())) >= 2
    return Evidence(
        count=count,
        moments=moments(features) if count > 1 else None,
        probe=features[np.random.default_rng(0).permutation(count)[:PROBED]],
        features=features,
        mixture=mixture,
        half=half,
        half_moments=(moments(features[~half]), moments(features[half])) if enough else None,
    )


@dataclass(frozen=True)
class Value:
    """A number with its 95 % interval; ``note`` says how it was made, or why there is none.

    ``bias`` is the measured difference, in the unit of the value, between what is expected at
    this n and at infinitely many samples, None where the metric has none or it was not measured.
    ``warning`` is a sentence that a reader must not miss.
    """

    value: float
    low: float | None = None
    high: float | None = None
    note: str = ""
    bias: float | None = None
    warning: str = ""


class Metric(ABC):
    """A number about samples. A subclass states its facts and computes; it loads nothing.

    ``network`` names the network whose numbers carry the metric's plain name, ``fid``; with
    another they are called ``fid@mnist-cnn``. None means any classifier of the dataset's classes.
    ``compares`` says that real samples are compared with, not only described. ``parameters`` is
    what the protocol string must name beside the network and the counts.
    """

    version: ClassVar[int] = 1
    unit: ClassVar[str] = ""
    better: ClassVar[Better]
    needs: ClassVar[tuple[Need, ...]] = ()
    points: ClassVar[Points] = "no"
    network: ClassVar[str | None] = "inception"
    compares: ClassVar[bool] = True
    parameters: ClassVar[str] = ""

    @abstractmethod
    def compute(self, real: Evidence, fake: Evidence, *, seed: int) -> Value:
        """Return the value for ``fake`` measured against ``real``; ``seed`` is for resampling.

        Raises:
            InputError: too few samples, or samples that are not finite.
        """
