# SPDX-License-Identifier: MIT
"""Floors: the values that real samples would get in place of the generated ones.

A floor is what a perfect generator would reach with as many samples against the same reference.
No number below it says anything.
"""

from __future__ import annotations

import math

import numpy as np

from ganbench.errors import ConfigError, InputError
from ganbench.evaluation.evidence import Evidence
from ganbench.evaluation.gather import RealEvidence
from ganbench.evaluation.held_out import floor_of_held_out
from ganbench.evaluation.metric import FLOOR_SEED, Floor, Metric, no_floor
from ganbench.evaluation.requests import Request


class Floors:
    """The floor of each request, computed when it is first asked for and then kept.

    The floor of a metric that compares with real samples comes from the metric's own formula.
    Without one, it is the mean value of as many real samples as were generated, which are held out
    of the reference. The floor of any other metric is its value for as many real samples: fresh
    ones where the density is known.
    """

    def __init__(self, real: RealEvidence) -> None:
        self._real = real
        self._floors: dict[tuple[str, int], Floor] = {}

    def of(self, request: Request, n_fake: int) -> Floor:
        """Return the floor of a value of ``n_fake`` samples, or the reason why there is none."""
        key = (request.name, n_fake)
        if key not in self._floors:
            self._floors[key] = self._compute(request, n_fake)
        return self._floors[key]

    def _compute(self, request: Request, n_fake: int) -> Floor:
        if request.of_counterparts:
            return no_floor("real samples are no reconstructions of one another")
        if request.path_need:
            return no_floor("real images have no latents between which paths could run")
        if not n_fake:
            return no_floor("the file does not say how many samples were generated")
        metric = request.metric
        try:
            real = self._real.of(request)
            if metric.compares:
                floor = metric.floor(real, n_fake) or floor_of_held_out(metric, real, n_fake)
            else:
                floor = floor_of_as_many(metric, real, n_fake)
        except (InputError, ConfigError) as error:
            return no_floor(str(error).rstrip("."))
        if floor.value is not None and not math.isfinite(floor.value):
            return no_floor("real samples have no value either")
        return floor


def floor_of_as_many(metric: Metric, real: Evidence, count: int) -> Floor:
    """Return a metric's value for ``count`` real samples, where there are as many."""
    if real.distances is not None:  # their mean does not depend on how many there are
        value = metric.compute(real, real, seed=FLOOR_SEED).value
        return Floor(value, f"{len(real.distances):,} pairs of real samples")
    if real.mixture is None and count > real.count:
        return no_floor(f"{count:,} samples were generated, and there are only {real.count:,} real")
    value = metric.compute(real, as_many(real, count), seed=FLOOR_SEED).value
    return Floor(value, f"{count:,} {'fresh' if real.mixture else 'of the'} real samples")


def as_many(real: Evidence, count: int) -> Evidence:
    """Return the evidence of ``count`` real samples: fresh ones where the density is known.

    Otherwise they are a random part of the real set.
    """
    random = np.random.default_rng(FLOOR_SEED)
    if real.mixture is not None:
        centers = np.array(real.mixture.centers)  # (K, D)
        modes = random.integers(len(centers), size=count)
        noise = random.standard_normal((count, centers.shape[1]))
        points = centers[modes] + real.mixture.sigma * noise  # (count, D)
        return Evidence(count, points=points, mixture=real.mixture)
    return real.part(random.permutation(real.count)[:count])
