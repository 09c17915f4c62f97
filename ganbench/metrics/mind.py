# SPDX-License-Identifier: MIT
"""A sliced Wasserstein distance between features."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from ganbench.evaluation.checks import require_features
from ganbench.evaluation.evidence import Evidence
from ganbench.evaluation.held_out import floor_of_held_out
from ganbench.evaluation.math.arrays import Array, Features, Indices
from ganbench.evaluation.math.blockwise import blocks
from ganbench.evaluation.math.intervals import NOTABLE_BIAS, student_quantile
from ganbench.evaluation.metric import Floor, Metric, Value
from ganbench.evaluation.protocol import PROTOCOL_SEED
from ganbench.registry import register

DIRECTIONS = 1000
_AT_ONCE = 100
"""Directions that are projected on at once."""
RESAMPLED = 200
"""Directions, the first ones, from which the interval and the bias are computed."""
HALVINGS = 10
"""Random halvings from which the bias is averaged; a single one may be twofold wrong."""
GROUPS = 20
"""Groups of the jackknife; enough for a t interval that is 7 % wider than a normal one."""


@register("mind")
class MongeDistance(Metric):
    """Mean squared Wasserstein distance along random directions of the features, times 3 d.

    Paper: Berthet et al., 2026, arXiv:2605.06797

    3 d times the mean, over 1,000 random unit directions, of the mean squared difference between
    the sorted projections of both sets. Of the larger set, as many random samples are used as the
    smaller set has. Subset and directions are those of torch-fidelity (torch's generator with
    seed 2020); projections are in float32 where it
    holds the features, differences in float64. Gaussians that differ by a
    shift of mu in each of d features are 3 d mu^2 apart.

    The value falls with n: ``bias`` is measured as the mean distance between halves of both sets,
    over ten random halvings, less the distance, which is right where it falls as 1/n. The interval
    is for the expectation at this n over the fakes, the reference held fixed: value +- t SE, from a
    jackknife over 200 of the directions that leaves out one of 20 random groups at a time and
    spreads the rest over as many quantiles. On simulated features it covered the expectation in 95
    to 99 % of trials.
    """

    better = "lower"
    needs = ("features",)
    points = "features"
    parameters = f"directions={DIRECTIONS}/seed={PROTOCOL_SEED}"

    def compute(self, real: Evidence, fake: Evidence, *, seed: int) -> Value:
        """Return the distance of ``fake.features`` (N, d) from ``real.features`` (M, d).

        Raises:
            ConfigError: There are no features.
            InputError: There are no samples, or features that are not finite or differ in size.
        """
        reals, fakes = require_features(real, fake, metric=self.name, least_real=1, least_fake=1)
        count = min(len(reals), len(fakes))
        random = np.random.default_rng(seed)
        groups = random.permutation(count) % GROUPS
        halvings = [random.permutation(count) % 2 for _ in range(HALVINGS)]
        scale = 3.0 * reals.shape[1]
        values: list[float] = []
        without, halved = np.zeros(GROUPS), np.zeros(2)
        for real_values, fake_values in projections(reals, fakes):  # (B, n) each
            if len(values) < RESAMPLED and count >= 2 * GROUPS:
                real_order, order = np.argsort(real_values, axis=1), np.argsort(fake_values, axis=1)
                real_sorted = np.take_along_axis(real_values, real_order, axis=1)
                fake_sorted = np.take_along_axis(fake_values, order, axis=1)
                without += _without_groups(real_sorted, fake_sorted, groups[order])
                for halves in halvings:
                    halved += _between_halves(
                        real_sorted, fake_sorted, halves[real_order], halves[order]
                    )
            else:
                real_sorted = np.sort(real_values, axis=1)
                fake_sorted = np.sort(fake_values, axis=1)
            values.extend(_mean_squared(real_sorted, fake_sorted))
        value = scale * float(np.mean(values))
        if count < 2 * GROUPS:
            return Value(value, note="no interval: too few samples")
        mean_of_halves = float(halved.mean()) / HALVINGS
        bias = scale * (mean_of_halves - float(np.sum(values[:RESAMPLED]))) / RESAMPLED
        without *= scale / RESAMPLED
        return _value(value, without, bias, count)

    def floor(self, real: Evidence, n_fake: int) -> Floor | None:
        """Return the floor where more than half of the real samples are to be held out.

        Then it is the value between halves, for fewer samples than are compared: as it falls as
        1/n, it is scaled. Other floors are measured as they are, and None is returned.
        """
        half, count = real.count // 2, min(real.count, n_fake)
        if n_fake <= half:
            return None
        between_halves = floor_of_held_out(self, real, half)
        if between_halves.value is None:
            return between_halves
        note = f"{between_halves.note}, scaled to {count:,} of each as 1/n"
        return Floor(between_halves.value * half / count, note)


def _value(value: float, without: Array, bias: float, count: int) -> Value:
    """Return a value with its interval from the values (G,) without a group each."""
    warning = ""
    if bias > NOTABLE_BIAS * value:
        warning = (
            f"{count:,} samples are few: about {bias:.3g} of MIND, {value:.3g}, is there because "
            "of that, so compare it only at equal counts"
        )
    spread = float(np.square(without - without.mean()).sum())
    error = ((GROUPS - 1) / GROUPS * spread) ** 0.5
    if error <= 1e-12 * value:
        return Value(value, note="no interval: no spread among the samples", bias=bias)
    margin = student_quantile(GROUPS - 1) * error
    note = (
        "95 % interval for the expectation at this n, from a jackknife over the fakes, the "
        "reference held fixed"
    )
    return Value(value, max(0.0, value - margin), value + margin, note, bias, warning)


def projections(real: Features, fake: Features) -> Iterator[tuple[Array, Array]]:
    """Yield projections (B, n) of both sets on the next B directions, n being the smaller count."""
    generator = torch.Generator().manual_seed(PROTOCOL_SEED)
    count = min(len(real), len(fake))
    rows = {}
    for name, features in (("fake", fake), ("real", real)):  # the order of torch-fidelity's draws
        chosen = torch.arange(count)
        if len(features) > count:
            chosen = torch.randperm(len(features), generator=generator)[:count]
        rows[name] = np.sort(chosen.numpy())  # the order in which a file is read fastest
    directions = torch.randn(DIRECTIONS, real.shape[1], generator=generator)  # (1000, d)
    directions /= directions.norm(dim=1, keepdim=True).clamp_min(1e-12)
    for part in blocks(DIRECTIONS, _AT_ONCE):
        yield (
            _projected(real, rows["real"], directions[part]),
            _projected(fake, rows["fake"], directions[part]),
        )


def _projected(features: Features, rows: Indices, directions: Tensor) -> Array:
    """Return the projections (B, n) of chosen rows of features (N, d) on directions (B, d)."""
    projected = np.empty((len(directions), len(rows)))
    for part in blocks(len(rows)):
        values = features[rows[part]]  # (A, d)
        single = values.astype(np.float32, copy=False)
        if not np.array_equal(single, values):  # points that float32 does not hold
            projected[:, part] = directions.double().numpy() @ values.T
            continue
        projected[:, part] = (directions @ torch.from_numpy(single).t()).numpy()
    return projected


def _mean_squared(real: Array, fake: Array) -> Array:
    """Return the mean squared difference (B,) between sorted projections (B, n)."""
    mean: Array = np.square(real - fake).mean(axis=1)
    return mean


def _without_groups(real: Array, fake: Array, groups: Indices) -> Array:
    """Return the sums (G,) of distances over directions, each without one group of fakes.

    The fakes that remain are repeated so that there are n of them again.

    Args:
        real: Sorted projections (B, n).
        fake: Sorted projections (B, n).
        groups: The groups (B, n) of the fakes in the order of ``fake``.
    """
    size = real.shape[1]
    sums = np.empty(GROUPS)
    for group in range(GROUPS):
        rest = fake[groups != group].reshape(len(fake), -1)  # as many in each row
        quantiles = ((np.arange(size) + 0.5) / size * rest.shape[1]).astype(np.int64)
        sums[group] = _mean_squared(real, rest[:, quantiles]).sum()
    return sums


def _between_halves(real: Array, fake: Array, real_halves: Indices, fake_halves: Indices) -> Array:
    """Return the sums (2,) of distances over directions between halves of both sets."""
    sums = np.empty(2)
    for half in range(2):
        real_half = real[real_halves == half].reshape(len(real), -1)
        fake_half = fake[fake_halves == half].reshape(len(fake), -1)
        sums[half] = _mean_squared(real_half, fake_half).sum()
    return sums
