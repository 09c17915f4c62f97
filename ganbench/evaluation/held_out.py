# SPDX-License-Identifier: MIT
"""Floors from real samples that are held out of the reference and measured against the others."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ganbench.evaluation.evidence import Evidence
from ganbench.evaluation.math.moments import Moments, moments
from ganbench.evaluation.metric import FLOOR_SEED, Floor, Metric, no_floor

DRAWS = 4
"""Random parts of the real set that are held out in turn: the value of one alone is noisy."""


def floor_of_held_out(metric: Metric, real: Evidence, n_fake: int) -> Floor:
    """Return a metric's mean value for random parts of the real set against the others.

    Not more than half of the real samples are held out, so that the others are still about as
    many as the reference.
    """
    if 2 * n_fake > real.count:
        return no_floor(f"{n_fake:,} of only {real.count:,} real samples would have to be held out")
    values = [
        metric.compute(rest, held_out, seed=FLOOR_SEED).value
        for rest, held_out in held_out_parts(real, n_fake, by_rows=metric.needs != ("moments",))
    ]
    if not values:
        return no_floor("the real samples themselves are not known, or too few of them are")
    note = (
        f"{n_fake:,} held-out real samples against the other {real.count - n_fake:,}, mean of "
        f"{len(values)} draws"
    )
    return Floor(float(np.mean(values)), note)


def held_out_parts(
    real: Evidence, count: int, *, by_rows: bool
) -> Iterator[tuple[Evidence, Evidence]]:
    """Yield the evidence of the other samples and of ``count`` random ones, four times.

    Without ``by_rows`` the evidence holds moments alone: the random samples are of the probe, and
    what they add is taken from the moments. Nothing is yielded where that is not enough.
    """
    random = np.random.default_rng(FLOOR_SEED)
    if by_rows:
        for _ in range(DRAWS):
            order = random.permutation(real.count)
            yield real.part(order[count:]), real.part(order[:count])
    elif real.probe is not None and real.moments is not None and 2 <= count <= len(real.probe):
        for _ in range(DRAWS):
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
