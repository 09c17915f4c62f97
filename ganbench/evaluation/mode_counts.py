# SPDX-License-Identifier: MIT
"""How samples spread over modes, in two forms: classes of a classifier, centers of a mixture.

Classes: a sample belongs to its likeliest class; where a network reads C channels one by one, to
the tuple of their classes, of which there are K^C. Every sample counts.

Points, by PacGAN's rule (Lin et al., 2017, arXiv:1712.04086): a sample belongs to the nearest
center, and is of high quality when it lies within 3 sigma of it (<=, Mahalanobis, which is the
Euclidean distance over sigma for equal isotropic components). Only samples of high quality
count. The published numbers are for 2,500 samples.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ganbench.errors import ConfigError
from ganbench.evaluation.checks import checked, present
from ganbench.evaluation.math.moments import Array
from ganbench.evaluation.metric import Evidence, Features
from ganbench.gan import Mixture

HIGH_QUALITY_SIGMAS = 3.0
CLASS_RULE = "argmax"
POINT_RULE = "nearest-center<=3sigma"


@dataclass(frozen=True)
class ModeCounts:
    """``per_mode`` (K,): how many of the ``samples`` count for each mode."""

    per_mode: NDArray[np.int64]
    samples: int

    @property
    def counted(self) -> int:
        """How many samples count for any mode."""
        return int(self.per_mode.sum())

    @property
    def covered(self) -> int:
        """How many modes have at least one sample."""
        return int((self.per_mode > 0).sum())


def count_modes(evidence: Evidence, metric: str) -> ModeCounts:
    """Count samples per mode: by class where there are probabilities, else by center.

    Raises:
        ConfigError: neither probabilities, nor points with their mixture.
        InputError: no samples, or some that are not finite.
    """
    if evidence.probabilities is not None:
        return _by_class(present(evidence.probabilities, "probabilities", metric=metric, least=1))
    if evidence.mixture is None:
        raise ConfigError(f"{metric} needs classes or a known mixture, which this data has not.")
    points = checked(evidence.points, "points", metric=metric, least=1)
    return _by_center(points, evidence.mixture)


def _by_class(probabilities: Features) -> ModeCounts:
    """Count probabilities (N, K), or (N, C, K) by tuples, the first channel leading."""
    classes = probabilities.argmax(axis=-1)
    kinds = probabilities.shape[-1]
    if classes.ndim == 1:
        classes = classes[:, None]
    channels = classes.shape[1]
    index = classes @ kinds ** np.arange(channels - 1, -1, -1)
    return ModeCounts(np.bincount(index, minlength=kinds**channels), len(index))


def _by_center(points: Array, mixture: Mixture) -> ModeCounts:
    """Count points (N, D) by their nearest centers (K, D), where they are near enough."""
    centers = np.array(mixture.centers)
    squared = np.square(points[:, None, :] - centers).sum(axis=2)  # (N, K)
    nearest = squared.argmin(axis=1)
    near = squared.min(axis=1) <= np.square(HIGH_QUALITY_SIGMAS * mixture.sigma)
    return ModeCounts(np.bincount(nearest[near], minlength=len(centers)), len(points))
