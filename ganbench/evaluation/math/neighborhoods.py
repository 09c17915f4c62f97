# SPDX-License-Identifier: MIT
"""Precision, recall, density and coverage: which samples lie in whose neighborhoods.

A neighborhood is a ball around a sample, with the distance to its k-th nearest neighbor in its
own set, itself excluded, as radius. All four come from one sweep over the distances between real
and generated samples, whichever is asked for first.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ganbench.evaluation.math.blocks import Memo, both
from ganbench.evaluation.math.moments import Array
from ganbench.evaluation.math.neighbors import Neighbors, nearest, pairs_below
from ganbench.evaluation.metric import Evidence, Features, Metric, Value

IMPROVED_K = 3
"""Neighbors of precision and recall, after Kynkaanniemi et al."""
DENSITY_K = 5
"""Neighbors of density and coverage, after Naeem et al."""
SUBSETS = 50
"""Random parts of the generated samples from which recall's interval is computed."""
KEPT_SHARE = 0.6
"""How large each of them is."""
_KEPT = 10
"""Neighbors kept of each generated sample: in nearly every part 3 of them are in it."""
SMALL = 5000
"""Below so many samples on a side, values at half the samples are computed as well."""

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Sweep:
    """What one sweep over M real and N generated samples found.

    ``inside`` (N,): a generated sample is in some real ball of 3 neighbors. ``balls`` (N,): in
    how many real balls of 5 neighbors. ``recalled`` (M,): a real sample is in some generated
    ball; ``recalled_by`` (M, 50): in a ball of a random part of them, with its own radii.
    ``visitors`` (M,): how many generated samples are in the real ball of 5 neighbors, and
    ``parties`` (M,): numbers that are equal where these are the very same.
    """

    inside: Flags
    balls: NDArray[np.int64]
    recalled: Flags
    recalled_by: Flags
    visitors: NDArray[np.int64]
    parties: NDArray[np.uint64]


_real_neighbors: Memo[Neighbors] = Memo(8)
_sweeps: Memo[Sweep] = Memo(8)


def sweep_neighborhoods(
    real: Features, fake: Features, *, seed: int = 0, device: str = "cpu"
) -> Sweep:
    """Return what all four metrics need of real (M, d) and generated (N, d) features.

    ``seed`` draws the parts. The last results are kept for the arrays they came from.
    """
    return _sweeps.get((real, fake), (seed, device), lambda: _sweep(real, fake, seed, device))


def real_neighbors(real: Features, device: str = "cpu") -> Neighbors:
    """Return the five nearest others of each real sample, kept for the array they came from."""
    return _real_neighbors.get((real,), device, lambda: nearest(real, DENSITY_K, device=device))


def _sweep(real: Features, fake: Features, seed: int, device: str) -> Sweep:
    real_balls = real_neighbors(real, device)
    improved, density = _radii(real_balls, IMPROVED_K), _radii(real_balls, DENSITY_K)
    fake_balls = nearest(fake, _KEPT, exact=IMPROVED_K, device=device)
    own = _radii(fake_balls, IMPROVED_K)
    random = np.random.default_rng(seed)
    subsets = random.random((len(fake), SUBSETS)).argsort(axis=0) < KEPT_SHARE * len(fake)
    radii = radii_within(fake_balls, subsets)  # (N, R), not below own
    names = random.integers(1 << 63, size=len(fake), dtype=np.uint64)
    inside = np.zeros(len(fake), dtype=bool)
    balls = np.zeros(len(fake), dtype=np.int64)
    recalled = np.zeros(len(real), dtype=bool)
    recalled_by = np.zeros((len(real), SUBSETS), dtype=bool)
    visitors = np.zeros(len(real), dtype=np.int64)
    parties = np.zeros(len(real), dtype=np.uint64)
    largest = radii.max(axis=1, initial=-1.0)
    for pairs in pairs_below(fake, real, largest, np.maximum(improved, density), device=device):
        rows, columns = pairs.rows, pairs.columns
        bounds = [improved[columns], density[columns], *fake_balls.squared[rows].T]
        near = pairs.settled(*bounds)
        inside[rows[near <= improved[columns]]] = True
        dense = near < density[columns]
        balls += np.bincount(rows[dense], minlength=len(fake))
        visitors += np.bincount(columns[dense], minlength=len(real))
        np.add.at(parties, columns[dense], names[rows[dense]])  # modulo 2^64, in any order
        recalled[columns[near <= own[rows]]] = True
        unsettled = recalled_by.sum(axis=1) < SUBSETS  # soon these are few
        rest = np.flatnonzero(unsettled[columns])
        rows, columns, near = rows[rest], columns[rest], near[rest]
        for index in range(SUBSETS):
            recalled_by[columns[near <= radii[rows, index]], index] = True
    return Sweep(inside, balls, recalled, recalled_by, visitors, parties)


def _radii(neighbors: Neighbors, count: int) -> Array:
    """Return squared radii (N,); -1, which holds nothing, where there are too few samples."""
    if neighbors.squared.shape[1] < count:
        return np.full(len(neighbors.squared), -1.0)
    return neighbors.squared[:, count - 1]


def radii_within(neighbors: Neighbors, subsets: Flags) -> Array:
    """Return squared radii (N, R) of 3 neighbors in each of the subsets (N, R); -1 outside it.

    Where fewer than three of the neighbors that were kept are in it, the farthest stands in.
    """
    found = np.full(subsets.shape, -1.0)
    if neighbors.squared.shape[1] < IMPROVED_K:
        return found
    for index, subset in enumerate(subsets.T):
        among = subset[neighbors.indices].cumsum(axis=1)  # (N, K)
        last = (among < IMPROVED_K).sum(axis=1).clip(max=among.shape[1] - 1)
        radii = np.take_along_axis(neighbors.squared, last[:, None], axis=1)[:, 0]
        found[subset, index] = radii[subset]
    return found


class NeighborhoodMetric(Metric):
    """What precision, recall, density and coverage share."""

    better = "higher"
    needs = ("features",)
    points = "features"
    name = ""
    least = (1, 1)
    """Real and generated samples that are needed at least."""

    def compute(self, real: Evidence, fake: Evidence, *, seed: int) -> Value:
        """Return the value of ``fake.features`` (N, d) against ``real.features`` (M, d).

        Raises:
            ConfigError: there are no features.
            InputError: too few samples, or features that are not finite.
        """
        reals, fakes = both(
            real, fake, metric=self.name, least_real=self.least[0], least_fake=self.least[1]
        )
        value = self.of(sweep_neighborhoods(reals, fakes, seed=seed))
        halved = self._of_halves(real, fake)
        if halved is None or value.low is None or value.high is None:
            return value
        return _warned(value, halved, min(len(reals), len(fakes)))

    @abstractmethod
    def of(self, found: Sweep) -> Value:
        """Return the value and its interval from a sweep."""

    def _of_halves(self, real: Evidence, fake: Evidence) -> float | None:
        """Return the mean value between halves of both sets; None where n is not small."""
        reals, fakes = _halves(real), _halves(fake)
        if reals is None or fakes is None:
            return None
        values = [
            self.of(sweep_neighborhoods(*pair)).value for pair in zip(reals, fakes, strict=True)
        ]
        return float(np.mean(values))


_halved: Memo[tuple[Features, Features]] = Memo(8)


def _halves(evidence: Evidence) -> tuple[Features, Features] | None:
    features, half = evidence.features, evidence.half
    if features is None or half is None or not 40 <= len(features) < SMALL:
        return None
    return _halved.get((features,), "halves", lambda: (features[~half], features[half]))


def _warned(value: Value, halved: float, count: int) -> Value:
    """Return the value with a warning where half the samples would have given another one."""
    assert value.low is not None
    assert value.high is not None
    if abs(halved - value.value) <= (value.high - value.low) / 2:
        return value
    warning = (
        f"{count} samples are few: with half of them the value is {halved:.3f} instead of "
        f"{value.value:.3f}, so compare it only at equal counts"
    )
    return Value(value.value, value.low, value.high, value.note, warning=warning)


def interval_of_share(value: float, variance: float, found: Sweep, quantile: float) -> Value:
    """Return a share of real samples with Wilson's interval, for the n with this variance."""
    if len(found.inside) < 2 * _KEPT:
        return Value(value, note="no interval: too few samples")
    spread = value * (1 - value)
    count = spread / variance if spread and variance else float(len(found.recalled))
    excess = quantile**2 / count
    middle = (value + excess / 2) / (1 + excess)
    margin = (excess * spread + excess**2 / 4) ** 0.5 / (1 + excess)
    note = "95 % interval for the expectation at this n over the fakes, the reference held fixed"
    return Value(value, max(0.0, middle - margin), min(1.0, middle + margin), note)
