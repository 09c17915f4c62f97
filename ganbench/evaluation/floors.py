# SPDX-License-Identifier: MIT
"""Floors: the values that real samples would get in place of the generated ones.

A floor is what a perfect generator would reach. No number below it says anything.
"""

from __future__ import annotations

import math

import numpy as np

from ganbench.errors import ConfigError, InputError
from ganbench.evaluation.evidence import Evidence
from ganbench.evaluation.gather import RealEvidence
from ganbench.evaluation.metric import Metric
from ganbench.evaluation.requests import Request

FLOOR_SEED = 0
"""Floors are drawn from a seed of their own, so that they are the same next to every run."""


class Floors:
    """The floor of each request, computed when it is first asked for and then kept.

    The floor of a metric that compares with real samples is its value between two random halves
    of the real set. The floor of any other metric is its value for as many real samples as were
    measured, as far as there are: fresh ones where the density is known.
    """

    def __init__(self, real: RealEvidence) -> None:
        self._real = real
        self._floors: dict[tuple[str, int], float | None] = {}

    def of(self, request: Request, n_fake: int) -> float | None:
        """Return the floor of a value of ``n_fake`` samples; None where there is none.

        There is none for pairs of samples with their own real counterparts, nor where the real
        samples are too few, or are a file that does not hold what the metric needs.
        """
        if request.of_counterparts:
            return None
        key = (request.name, 0 if request.metric.compares else n_fake)
        if key not in self._floors:
            self._floors[key] = self._compute(request, n_fake)
        return self._floors[key]

    def _compute(self, request: Request, n_fake: int) -> float | None:
        try:
            real = self._real.of(request)
            if request.metric.compares:
                floor = floor_between_halves(request.metric, real)
            else:
                floor = floor_of_as_many(request.metric, real, n_fake)
        except (InputError, ConfigError):
            return None
        return floor if floor is not None and math.isfinite(floor) else None


def floor_between_halves(metric: Metric, real: Evidence) -> float | None:
    """Return a metric's value between two random halves of the real set; None without halves."""
    halves = real.halves()
    if halves is None:
        return None
    return metric.compute(*halves, seed=FLOOR_SEED).value


def floor_of_as_many(metric: Metric, real: Evidence, count: int) -> float:
    """Return a metric's value for ``count`` real samples, or for all where there are fewer."""
    return metric.compute(real, as_many(real, count), seed=FLOOR_SEED).value


def as_many(real: Evidence, count: int) -> Evidence:
    """Return the evidence of ``count`` real samples: fresh ones where the density is known.

    Otherwise they are a random part of the real set, or all of it. Distances stay as they are:
    their mean does not depend on how many there are.
    """
    random = np.random.default_rng(FLOOR_SEED)
    if real.mixture is not None:
        centers = np.array(real.mixture.centers)  # (K, D)
        modes = random.integers(len(centers), size=count)
        noise = random.standard_normal((count, centers.shape[1]))
        points = centers[modes] + real.mixture.sigma * noise  # (count, D)
        return Evidence(count, points=points, mixture=real.mixture)
    rows = random.permutation(real.count)[:count]
    return Evidence(
        count=len(rows),
        features=None if real.features is None else real.features[rows],
        probabilities=None if real.probabilities is None else real.probabilities[rows],
        distances=real.distances,
    )
