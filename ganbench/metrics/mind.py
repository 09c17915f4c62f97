# SPDX-License-Identifier: MIT
"""A sliced Wasserstein distance between features."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import t as student
from torch import Tensor

from ganbench.evaluation.math.blocks import both, parts
from ganbench.evaluation.math.moments import Array
from ganbench.evaluation.metric import Evidence, Features, Metric, Value
from ganbench.registry import register

_Indices = NDArray[np.int64]

DIRECTIONS = 1000
_AT_ONCE = 100
"""Directions that are projected on at once."""
RESAMPLED = 200
"""Directions, the first ones, from which the interval and the bias are computed."""
_SEED = 2020
GROUPS = 20
"""Groups of the jackknife; enough for a t interval that is 7 % wider than a normal one."""
_NOTABLE_BIAS = 0.1
"""The share of the value from which its bias is worth a warning."""


@register("mind")
class MongeDistance(Metric):
    """Mean squared Wasserstein distance along random directions of the features, times 3 d.

    Paper: Berthet et al., 2026, arXiv:2605.06797

    3 d times the mean, over 1,000 random unit directions, of the mean squared difference between
    the sorted projections of both sets. Of the larger set as many random samples are used as the
    smaller one has. Subset and directions are those of torch-fidelity (torch's generator with
    seed 2020); projections in float32, differences in float64. Gaussians that differ by a shift
    of mu in each of d features are 3 d mu^2 apart. The value falls with n: ``bias`` is measured
    as the mean distance between halves of both sets, less the distance, which is right where it
    falls as 1/n. The interval is for the expectation at this n over the fakes, the reference held
    fixed: value +- t SE, from a jackknife over 200 of the directions that leaves out one of 20
    random groups at a time and spreads the rest over as many quantiles. On simulated features it
    covered the expectation in 95 to 99 % of trials.
    """

    better = "lower"
    needs = ("features",)
    points = "features"
    parameters = f"directions={DIRECTIONS}/seed={_SEED}"

    def compute(self, real: Evidence, fake: Evidence, *, seed: int) -> Value:
        """Return the distance of ``fake.features`` (N, d) from ``real.features`` (M, d).

        Raises:
            ConfigError: there are no features.
            InputError: no samples, features that are not finite, or of different sizes.
        """
        reals, fakes = both(real, fake, metric="mind", least_real=1, least_fake=1)
        count = min(len(reals), len(fakes))
        random = np.random.default_rng(seed)
        groups, halves = (random.permutation(count) % parts_ for parts_ in (GROUPS, 2))
        scale = 3.0 * reals.shape[1]
        values: list[float] = []
        without, halved = np.zeros(GROUPS), np.zeros(2)
        for ours, theirs in projections(reals, fakes):
            if len(values) < RESAMPLED and count >= 2 * GROUPS:
                real_order, order = np.argsort(ours, axis=1), np.argsort(theirs, axis=1)
                ours = np.take_along_axis(ours, real_order, axis=1)
                theirs = np.take_along_axis(theirs, order, axis=1)
                without += _without_groups(ours, theirs, groups[order])
                halved += _between_halves(ours, theirs, halves[real_order], halves[order])
            else:
                ours, theirs = np.sort(ours, axis=1), np.sort(theirs, axis=1)
            values.extend(_squared(ours, theirs))
        value = scale * float(np.mean(values))
        if count < 2 * GROUPS:
            return Value(value, note="no interval: too few samples")
        bias = scale * (float(halved.mean()) - float(np.sum(values[:RESAMPLED]))) / RESAMPLED
        without *= scale / RESAMPLED
        return _value(value, without, bias, count)


def _value(value: float, without: Array, bias: float, count: int) -> Value:
    """Return a value with its interval from the values (G,) without a group each."""
    warning = ""
    if bias > _NOTABLE_BIAS * value:
        warning = (
            f"{count:,} samples are few: about {bias:.3g} of MIND, {value:.3g}, is there because "
            "of that, so compare it only at equal counts"
        )
    spread = float(np.square(without - without.mean()).sum())
    error = ((GROUPS - 1) / GROUPS * spread) ** 0.5
    if error <= 1e-12 * value:
        return Value(value, note="no interval: no spread among the samples", bias=bias)
    margin = float(student.ppf(0.975, GROUPS - 1)) * error
    note = (
        "95 % interval for the expectation at this n, from a jackknife over the fakes, the "
        "reference held fixed"
    )
    return Value(value, max(0.0, value - margin), value + margin, note, bias, warning)


def projections(real: Features, fake: Features) -> Iterator[tuple[Array, Array]]:
    """Yield projections (B, n) of both sets on the next directions, n that of the smaller set."""
    generator = torch.Generator().manual_seed(_SEED)
    count = min(len(real), len(fake))
    rows = {}
    for name, side in (("fake", fake), ("real", real)):
        chosen = torch.arange(count)
        if len(side) > count:
            chosen = torch.randperm(len(side), generator=generator)[:count]
        rows[name] = np.sort(chosen.numpy())  # in the order in which a file is read fastest
    directions = torch.randn(DIRECTIONS, real.shape[1], generator=generator)
    directions /= directions.norm(dim=1, keepdim=True).clamp_min(1e-12)
    for part in parts(DIRECTIONS, _AT_ONCE):
        yield (
            _projected(real, rows["real"], directions[part]),
            _projected(fake, rows["fake"], directions[part]),
        )


def _projected(features: Features, rows: _Indices, directions: Tensor) -> Array:
    """Return the projections (B, n) of chosen rows of features (N, d) on directions (B, d)."""
    found = np.empty((len(directions), len(rows)), dtype=np.float32)
    for part in parts(len(rows)):
        values = torch.from_numpy(features[rows[part]].astype(np.float32, copy=False))
        found[:, part] = (directions @ values.t()).numpy()
    return found.astype(np.float64)


def _squared(real: Array, fake: Array) -> Array:
    """Return the mean squared difference (B,) between sorted projections (B, n)."""
    mean: Array = np.square(real - fake).mean(axis=1)
    return mean


def _without_groups(real: Array, fake: Array, groups: _Indices) -> Array:
    """Return the sums (G,) of distances over directions when a group of fakes is left out.

    ``real`` and ``fake`` (B, n) are sorted; ``groups`` (B, n) is of the fakes in that order. The
    fakes that remain are repeated so that there are n of them again.
    """
    size = real.shape[1]
    found = np.empty(GROUPS)
    for group in range(GROUPS):
        rest = fake[groups != group].reshape(len(fake), -1)  # as many in each row
        spread = ((np.arange(size) + 0.5) / size * rest.shape[1]).astype(np.int64)
        found[group] = _squared(real, rest[:, spread]).sum()
    return found


def _between_halves(
    real: Array,
    fake: Array,
    real_halves: _Indices,
    halves: _Indices,
) -> Array:
    """Return the sums (2,) of distances over directions between halves of both sets."""
    found = np.empty(2)
    for half in range(2):
        ours = real[real_halves == half].reshape(len(real), -1)
        theirs = fake[halves == half].reshape(len(fake), -1)
        found[half] = _squared(ours, theirs).sum()
    return found
