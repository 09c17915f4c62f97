# SPDX-License-Identifier: MIT
"""Floors: the values that real samples would get in place of the generated ones.

A floor is what a perfect generator would reach with as many samples against the same reference.
No number below it says anything.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from ganbench.errors import ConfigError, InputError
from ganbench.evaluation.evidence import Evidence
from ganbench.evaluation.gather import RealEvidence
from ganbench.evaluation.math.moments import Moments, moments
from ganbench.evaluation.metric import Floor, Metric
from ganbench.evaluation.requests import Request

FLOOR_SEED = 0
"""Floors are drawn from a seed of their own, so that they are the same next to every run."""
DRAWS = 4
"""Random parts of the real set that are held out in turn: the value of one alone is noisy."""


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
            return _none("real samples are no reconstructions of one another")
        if not n_fake:
            return _none("the file does not say how many samples were generated")
        metric = request.metric
        try:
            real = self._real.of(request)
            if metric.compares:
                floor = metric.floor(real, n_fake) or floor_of_held_out(metric, real, n_fake)
            else:
                floor = floor_of_as_many(metric, real, n_fake)
        except (InputError, ConfigError) as error:
            return _none(str(error).rstrip("."))
        if floor.value is not None and not math.isfinite(floor.value):
            return _none("real samples have no value either")
        return floor


def floor_of_held_out(metric: Metric, real: Evidence, n_fake: int) -> Floor:
    """Return a metric's mean value for random parts of the real set against the others.

    Not more than half of the real samples are held out, so that the others are still about as
    many as the reference.
    """
    if 2 * n_fake > real.count:
        return _none(f"{n_fake:,} of only {real.count:,} real samples would have to be held out")
    values = [
        metric.compute(rest, held_out, seed=FLOOR_SEED).value
        for rest, held_out in held_out_parts(real, n_fake, DRAWS)
    ]
    if not values:
        return _none("the real samples themselves are not known, or too few of them are")
    note = (
        f"{n_fake:,} held-out real samples against the other {real.count - n_fake:,}, mean of "
        f"{len(values)} draws"
    )
    return Floor(float(np.mean(values)), note)


def held_out_parts(real: Evidence, count: int, draws: int) -> Iterator[tuple[Evidence, Evidence]]:
    """Yield the evidence of the other samples and of ``count`` random ones, ``draws`` times.

    Where only moments and a probe are known, the random ones are of the probe, and what they add
    is taken from the moments. Nothing is yielded where that is not enough.
    """
    random = np.random.default_rng(FLOOR_SEED)
    if real.features is not None or real.probabilities is not None:
        for _ in range(draws):
            order = random.permutation(real.count)
            yield real.part(order[count:]), real.part(order[:count])
    elif real.probe is not None and real.moments is not None and 2 <= count <= len(real.probe):
        for _ in range(draws):
            held_out = moments(real.probe[random.permutation(len(real.probe))[:count]])
            rest = _without(real.moments, held_out)
            yield Evidence(rest.count, moments=rest), Evidence(count, moments=held_out)


def _without(whole: Moments, part: Moments) -> Moments:
    """Return the moments of a set without a part of it: the inverse of ``merged``."""
    count = whole.count - part.count
    mean = whole.mean + (whole.mean - part.mean) * (part.count / count)
    apart = part.mean - mean
    between = count * part.count / whole.count * np.outer(apart, apart)
    products = (whole.count - 1) * whole.covariance - (part.count - 1) * part.covariance - between
    return Moments(count, mean, products / (count - 1))


def floor_of_as_many(metric: Metric, real: Evidence, count: int) -> Floor:
    """Return a metric's value for ``count`` real samples, where there are as many."""
    if real.distances is not None:  # their mean does not depend on how many there are
        value = metric.compute(real, real, seed=FLOOR_SEED).value
        return Floor(value, f"{len(real.distances):,} pairs of real samples")
    if real.mixture is None and count > real.count:
        return _none(f"{count:,} samples were generated, and there are only {real.count:,} real")
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


def _none(reason: str) -> Floor:
    return Floor(None, f"none: {reason}")
