# SPDX-License-Identifier: MIT
"""Precision, recall, density, and coverage: which samples lie in whose neighborhoods.

A neighborhood is a ball around a sample. Its radius is the distance to the k-th nearest neighbor
of the sample in its own set, the sample itself excluded. All four metrics come from one sweep over
the distances between real and generated samples, whichever of them is computed first.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ganbench.evaluation.checks import require_features
from ganbench.evaluation.evidence import Evidence
from ganbench.evaluation.math.arrays import Array, Features, Flags, Indices
from ganbench.evaluation.math.intervals import AT_THIS_N, wilson_bounds
from ganbench.evaluation.math.memo import Memo
from ganbench.evaluation.math.neighbors import Neighbors, nearest, pairs_below
from ganbench.evaluation.metric import Metric, Value

IMPROVED_K = 3
"""Neighbors in precision and recall, after Kynkaanniemi et al."""
DENSITY_K = 5
"""Neighbors in density and coverage, after Naeem et al."""
SUBSETS = 50
"""Random parts of the generated samples from which recall's interval is computed."""
PART_SHARE = 0.6
"""The share of the generated samples in each of these parts."""
SMALL = 5000
"""Below this many samples of a set, values at half of them are computed as well."""
_NEIGHBORS = 10
"""Neighbors known of each generated sample: in nearly every part, 3 of them are in it."""


@dataclass(frozen=True)
class NeighborhoodSweep:
    """The result of one sweep over M real and N generated samples.

    Attributes:
        inside: (N,) whether a generated sample is in some real ball of 3 neighbors.
        balls: (N,) in how many real balls of 5 neighbors it is.
        recalled: (M,) whether a real sample is in some generated ball of 3 neighbors.
        recalled_by: (M, 50) whether it is in a ball of each random part of the generated samples,
            which has radii of its own.
        visitors: (M,) how many generated samples are in the real ball of 5 neighbors.
        parties: (M,) numbers that are equal where the visitors are the very same samples.
    """

    inside: Flags
    balls: Indices
    recalled: Flags
    recalled_by: Flags
    visitors: Indices
    parties: NDArray[np.uint64]


_real_neighbors: Memo[Neighbors] = Memo(8)
_fake_neighbors: Memo[Neighbors] = Memo(8)
_sweeps: Memo[NeighborhoodSweep] = Memo(8)
_halved: Memo[tuple[Features, Features]] = Memo(8)


def sweep_neighborhoods(
    real: Features, fake: Features, *, seed: int = 0, device: str = "cpu"
) -> NeighborhoodSweep:
    """Return the sweep over real (M, d) and generated (N, d) features that all four metrics need.

    ``seed`` draws the parts. The last results are kept for the arrays that they came from.
    """
    return _sweeps.get((real, fake), (seed, device), lambda: _sweep(real, fake, seed, device))


def real_neighbors(real: Features, device: str = "cpu") -> Neighbors:
    """Return the five nearest others of each real sample, kept for the array they came from."""
    return _real_neighbors.get((real,), device, lambda: nearest(real, DENSITY_K, device=device))


def _neighbors_of_fakes(fake: Features, device: str) -> Neighbors:
    """Return the ten nearest others of each generated sample, of which three are exact."""
    return _fake_neighbors.get(
        (fake,), device, lambda: nearest(fake, _NEIGHBORS, exact=IMPROVED_K, device=device)
    )


def in_others_balls(features: Features, device: str = "cpu") -> Flags:
    """Return for each sample (N,) whether it is in the ball of 3 neighbors of any other of its set.

    Its own presence does not matter: without it the ball of another sample would only be larger,
    and would hold it in the same cases.
    """
    neighbors = real_neighbors(features, device)
    radii = _radii(neighbors, IMPROVED_K)
    held = neighbors.squared <= radii[:, None]  # (N, 5), with ties
    flags = np.zeros(len(features), dtype=bool)
    flags[neighbors.indices[held]] = True
    # A ball that holds all five may hold more: ties do not end with the neighbors that are kept.
    crowded = np.flatnonzero(held.all(axis=1))  # (C,)
    if len(crowded) and not flags.all():
        bounds, centers = radii[crowded], features[crowded]
        nothing = np.full(len(features), -1.0)
        for pairs in pairs_below(features, centers, nothing, bounds, device=device):
            inside = pairs.settled(bounds[pairs.columns]) <= bounds[pairs.columns]
            others = pairs.rows != crowded[pairs.columns]
            flags[pairs.rows[inside & others]] = True
    return flags


def _sweep(real: Features, fake: Features, seed: int, device: str) -> NeighborhoodSweep:
    real_balls = real_neighbors(real, device)
    improved, density = _radii(real_balls, IMPROVED_K), _radii(real_balls, DENSITY_K)  # (M,)
    fake_balls = _neighbors_of_fakes(fake, device)
    own = _radii(fake_balls, IMPROVED_K)  # (N,)
    random = np.random.default_rng(seed)
    subsets = random.random((len(fake), SUBSETS)).argsort(axis=0) < PART_SHARE * len(fake)
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
        rows, columns = pairs.rows, pairs.columns  # (P,) of generated and of real samples
        bounds = [improved[columns], density[columns], *fake_balls.squared[rows].T]
        squared = pairs.settled(*bounds)
        inside[rows[squared <= improved[columns]]] = True
        dense = squared < density[columns]
        balls += np.bincount(rows[dense], minlength=len(fake))
        visitors += np.bincount(columns[dense], minlength=len(real))
        np.add.at(parties, columns[dense], names[rows[dense]])  # modulo 2^64, in any order
        recalled[columns[squared <= own[rows]]] = True
        unsettled = recalled_by.sum(axis=1) < SUBSETS  # soon these are few
        rest = np.flatnonzero(unsettled[columns])
        rows, columns, squared = rows[rest], columns[rest], squared[rest]
        for index in range(SUBSETS):
            recalled_by[columns[squared <= radii[rows, index]], index] = True
    return NeighborhoodSweep(inside, balls, recalled, recalled_by, visitors, parties)


def _radii(neighbors: Neighbors, count: int) -> Array:
    """Return squared radii (N,); -1, which holds nothing, where there are too few samples."""
    if neighbors.squared.shape[1] < count:
        return np.full(len(neighbors.squared), -1.0)
    return neighbors.squared[:, count - 1]


def radii_within(neighbors: Neighbors, subsets: Flags) -> Array:
    """Return squared radii (N, R) of 3 neighbors in each of the subsets (N, R); -1 outside it.

    Where a subset holds fewer than three of the known neighbors, the farthest of them stands in.
    """
    radii = np.full(subsets.shape, -1.0)
    if neighbors.squared.shape[1] < IMPROVED_K:
        return radii
    for index, subset in enumerate(subsets.T):
        counts = subset[neighbors.indices].cumsum(axis=1)  # (N, K)
        last = (counts < IMPROVED_K).sum(axis=1).clip(max=counts.shape[1] - 1)
        squared = np.take_along_axis(neighbors.squared, last[:, None], axis=1)[:, 0]
        radii[subset, index] = squared[subset]
    return radii


class NeighborhoodMetric(Metric):
    """The part that precision, recall, density, and coverage share."""

    better = "higher"
    needs = ("features",)
    points = "features"
    least = (1, 1)
    """The smallest numbers of real and of generated samples."""

    def compute(self, real: Evidence, fake: Evidence, *, seed: int) -> Value:
        """Return the value of ``fake.features`` (N, d) against ``real.features`` (M, d).

        Raises:
            ConfigError: There are no features.
            InputError: There are too few samples, or features that are not finite.
        """
        least_real, least_fake = self.least
        reals, fakes = require_features(
            real, fake, metric=self.name, least_real=least_real, least_fake=least_fake
        )
        value = self.of_sweep(sweep_neighborhoods(reals, fakes, seed=seed, device=fake.device))
        warnings = [self.warning(len(reals), len(fakes)), self._few(value, real, fake)]
        return replace(value, warning="; ".join(filter(None, warnings)))

    @abstractmethod
    def of_sweep(self, sweep: NeighborhoodSweep) -> Value:
        """Return the value and its interval from a sweep."""

    def warning(self, n_real: int, n_fake: int) -> str:
        """Return what a reader must know about these counts, empty where there is nothing."""
        return ""

    def _few(self, value: Value, real: Evidence, fake: Evidence) -> str:
        """Return a warning if half the samples of the small sets would give another value."""
        small = {side: _halves(evidence) for side, evidence in (("real", real), ("fake", fake))}
        if value.low is None or value.high is None or not any(small.values()):
            return ""
        assert real.features is not None
        assert fake.features is not None
        pairs = zip(
            small["real"] or (real.features, real.features),
            small["fake"] or (fake.features, fake.features),
            strict=True,
        )
        sweeps = [sweep_neighborhoods(*pair, device=fake.device) for pair in pairs]
        values = [self.of_sweep(sweep).value for sweep in sweeps]
        halved = float(np.mean(values))
        if abs(halved - value.value) <= (value.high - value.low) / 2:
            return ""
        counts = {"real": real.count, "fake": fake.count}
        few = " and ".join(f"{counts[side]:,} {side}" for side, halves in small.items() if halves)
        return (
            f"{few} samples are few: with half of them the value is {halved:.3f} instead of "
            f"{value.value:.3f}, so compare it only at equal counts"
        )


def _halves(evidence: Evidence) -> tuple[Features, Features] | None:
    """Return the features of two random halves of a small set, None where there is no need."""
    features, half = evidence.features, evidence.half
    if features is None or half is None or not 40 <= len(features) < SMALL:
        return None
    return _halved.get((features,), "halves", lambda: (features[~half], features[half]))


def share_of_real(
    share: float, variance: float, sweep: NeighborhoodSweep, quantile: float
) -> Value:
    """Return a share of real samples with Wilson's interval, for the n that has this variance."""
    if len(sweep.inside) < 2 * _NEIGHBORS:
        return Value(share, note="no interval: too few samples")
    spread = share * (1 - share)
    count = spread / variance if spread and variance else float(len(sweep.recalled))
    return Value(share, *wilson_bounds(share, count, quantile), AT_THIS_N)
