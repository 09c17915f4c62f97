# SPDX-License-Identifier: MIT
"""How samples spread over modes, which are the classes of a classifier or centers of a mixture.

Classes: a sample belongs to its likeliest class; where a network reads C channels one by one, it
belongs to the tuple of their classes, of which there are K^C. Every sample counts.

Points, by PacGAN's rule (Lin et al., 2017, arXiv:1712.04086): a sample belongs to the nearest
center. It is of high quality when it lies within 3 sigma of that center (<=, Mahalanobis, which
is the Euclidean distance over sigma for equal isotropic components). Only samples of high quality
count. The published numbers are for 2,500 samples.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import gammainc

from ganbench.errors import ConfigError
from ganbench.evaluation.checks import require, require_float64
from ganbench.evaluation.evidence import Evidence
from ganbench.evaluation.math.arrays import Array, Features, Indices
from ganbench.evaluation.metric import Metric, Need, Value
from ganbench.gan import Mixture

HIGH_QUALITY_SIGMAS = 3.0
CLASS_RULE = "argmax"
POINT_RULE = "nearest-center<=3sigma"


@dataclass(frozen=True)
class ModeCounts:
    """``per_mode`` (K,): how many of the ``samples`` count for each mode.

    ``inside`` is the share of samples of the data that count.
    """

    per_mode: Indices
    samples: int
    inside: float = 1.0

    @property
    def modes(self) -> int:
        """How many modes there are."""
        return len(self.per_mode)

    @property
    def counted(self) -> int:
        """How many samples count for any mode."""
        return int(self.per_mode.sum())

    @property
    def covered(self) -> int:
        """How many modes have at least one sample."""
        return int((self.per_mode > 0).sum())


class ModeMetric(Metric):
    """The part that the metrics of modes share: they describe the generated samples alone."""

    needs: ClassVar[tuple[Need, ...]] = ("probabilities",)
    points = "mixture"
    network = None
    compares = False

    def compute(self, real: Evidence, fake: Evidence, *, seed: int) -> Value:
        """Return the value for ``fake``; ``real`` is not used.

        Raises:
            ConfigError: There are neither probabilities nor points with their mixture.
            InputError: There are no samples, or some are not finite.
        """
        return self.of_counts(count_modes(fake, self.name), seed=seed)

    @abstractmethod
    def of_counts(self, counts: ModeCounts, *, seed: int) -> Value:
        """Return the value and its interval from the samples per mode."""


def count_modes(evidence: Evidence, metric: str) -> ModeCounts:
    """Count samples per mode: by class where there are probabilities, otherwise by center.

    Raises:
        ConfigError: There are neither probabilities nor points with their mixture.
        InputError: There are no samples, or some are not finite.
    """
    if evidence.probabilities is not None:
        return _by_class(require(evidence.probabilities, "probabilities", metric=metric, least=1))
    if evidence.mixture is None:
        raise ConfigError(f"{metric} needs classes or a known mixture, and this data has neither.")
    points = require_float64(evidence.points, "points", metric=metric, least=1)
    return _by_center(points, evidence.mixture)


def _by_class(probabilities: Features) -> ModeCounts:
    """Count probabilities (N, K), or (N, C, K) by tuples, the first channel leading."""
    classes = probabilities.argmax(axis=-1)  # (N,) or (N, C)
    per_channel = probabilities.shape[-1]
    if classes.ndim == 1:
        classes = classes[:, None]
    channels = classes.shape[1]
    modes = classes @ per_channel ** np.arange(channels - 1, -1, -1)  # (N,)
    return ModeCounts(np.bincount(modes, minlength=per_channel**channels), len(modes))


def _by_center(points: Array, mixture: Mixture) -> ModeCounts:
    """Count points (N, D) by their nearest centers (K, D), where they are near enough."""
    centers = np.array(mixture.centers)
    squared = np.square(points[:, None, :] - centers).sum(axis=2)  # (N, K)
    modes = squared.argmin(axis=1)
    near = squared.min(axis=1) <= np.square(HIGH_QUALITY_SIGMAS * mixture.sigma)
    # The squared distance of a Gaussian's sample has a chi-squared distribution.
    inside = float(gammainc(centers.shape[1] / 2, HIGH_QUALITY_SIGMAS**2 / 2))
    return ModeCounts(np.bincount(modes[near], minlength=len(centers)), len(points), inside)
