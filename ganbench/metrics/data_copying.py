# SPDX-License-Identifier: MIT
"""Data copying: whether samples are nearer to training images than held-out images are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata
from sklearn.cluster import MiniBatchKMeans

from ganbench.errors import InputError
from ganbench.evaluation.checks import require, require_features, require_held_out
from ganbench.evaluation.evidence import Evidence
from ganbench.evaluation.math.arrays import Array, Features, Indices
from ganbench.evaluation.math.intervals import NO_SPREAD, NORMAL_QUANTILE, all_equal
from ganbench.evaluation.math.neighbors import nearest
from ganbench.evaluation.metric import Floor, Metric, Value
from ganbench.registry import register

PARTITION_CELLS = 10
MORE_THAN = 20
"""Cells with no more generated samples than this are left out."""
_RESAMPLED = 200


@register("data-copying")
class DataCopying(Metric):
    """C_T: below 0 if samples are nearer to training images than held-out images are.

    Paper: Meehan et al., 2020, arXiv:2004.05675

    k-means (mini-batches, ten starts, seed 0) divides the training features into 10 cells. In each
    cell, the distances of generated and of held-out samples to the nearest training sample of the
    cell are compared by the Mann-Whitney test: Z = (U - n m / 2 + 1/2) / sqrt(n m (n + m + 1) / 12)
    for m generated and n held-out samples, where U counts the pairs in which the generated sample
    is farther away, and ties by half. C_T is the mean of Z, weighted by the share of the held-out
    samples; cells with 20 generated samples or fewer are left out, as are those without held-out
    or without training ones. Far below 0 is data copying, far above 0 underfitting: a fresh set of
    the real distribution is at about 0, which is the floor. Cells are ours and features are not
    projected, so values compare under one protocol only; they grow with the root of the counts. The
    interval is over the fakes, both splits held fixed: the deviation of 200 bootstrap samples.
    """

    better = "higher"
    needs = ("features",)
    points = "features"
    holds_out = True
    parameters = f"cells={PARTITION_CELLS}/more-than={MORE_THAN}"

    def compute(self, real: Evidence, fake: Evidence, *, seed: int) -> Value:
        """Return C_T of ``fake.features`` (N, d); ``seed`` moves the interval alone.

        Raises:
            ConfigError: There are no held-out samples, or no features.
            InputError: There are too few samples, or features that are not finite.
        """
        held_out = require_held_out(real, metric=self.name)
        training, fakes = require_features(
            real, fake, metric=self.name, least_real=PARTITION_CELLS, least_fake=1
        )
        fresh = require(held_out.features, "held-out features", metric=self.name, least=1)
        clusters = MiniBatchKMeans(PARTITION_CELLS, n_init=10, random_state=0)
        cells = clusters.fit_predict(np.asarray(training, np.float32))
        sides = [
            _Side(side, clusters.predict(np.asarray(side, np.float32))) for side in (fresh, fakes)
        ]
        farther = placements(training, cells, *sides, device=fake.device)
        # k-means may move a center away from all training samples; no distance is one to it.
        nearby = np.isin(sides[0].cells, cells)
        counts = np.bincount(sides[0].cells[nearby], minlength=PARTITION_CELLS)
        value = copying_score(sides[1].cells, farther, counts)
        if not np.isfinite(value):
            raise InputError(
                f"{self.name} needs more than {MORE_THAN} generated samples in a cell with "
                f"held-out ones, and {len(fakes):,} samples have no such cell."
            )
        random = np.random.default_rng(seed)
        resampled = []
        for _ in range(_RESAMPLED):
            rows = random.integers(len(fakes), size=len(fakes))
            resampled.append(copying_score(sides[1].cells[rows], farther[rows], counts))
        if all_equal(resampled):
            return Value(value, note=NO_SPREAD)
        margin = NORMAL_QUANTILE * float(np.nanstd(resampled, ddof=1))
        note = (
            f"95 % interval over the fakes by the deviation of {_RESAMPLED} bootstrap samples, "
            "both splits held fixed"
        )
        copied = "samples are nearer to training images than held-out images are: data copying"
        warning = copied if value + margin < 0 else ""
        return Value(value, value - margin, value + margin, note, warning=warning)

    def floor(self, real: Evidence, n_fake: int) -> Floor | None:
        """Return 0."""
        return Floor(0.0, "expected of fresh samples of the real distribution")


@dataclass(frozen=True)
class _Side:
    """Features (N, d) of one set, and the cell (N,) of each sample."""

    features: Features
    cells: Indices


def placements(
    training: Features, cells: Indices, fresh: _Side, fake: _Side, *, device: str
) -> Array:
    """Return for each generated sample (N,) how many held-out ones of its cell are nearer.

    Nearer means to the nearest training sample of the same cell; ties count by half.
    """
    farther = np.zeros(len(fake.cells))
    for cell in range(PARTITION_CELLS):
        rows = np.flatnonzero(fake.cells == cell)
        others = fresh.features[np.flatnonzero(fresh.cells == cell)]
        among = training[np.flatnonzero(cells == cell)]
        if not len(rows) or not len(others) or not len(among):
            continue
        distances = [
            nearest(side, 1, among=among, device=device).squared[:, 0]
            for side in (fake.features[rows], others)
        ]
        # The rank among both sets, less the rank among the generated ones alone.
        together = rankdata(np.concatenate(distances))[: len(rows)]
        farther[rows] = together - rankdata(distances[0])
    return farther


def copying_score(cells: Indices, farther: Array, fresh: Indices) -> float:
    """Return C_T, NaN where no cell has enough samples.

    Args:
        cells: The cell (N,) of each generated sample.
        farther: The held-out samples (N,) of the same cell that are nearer to training samples.
        fresh: The number of held-out samples (PARTITION_CELLS,) in each cell that can be used.
    """
    generated = np.bincount(cells, minlength=PARTITION_CELLS)  # (PARTITION_CELLS,)
    used = (generated > MORE_THAN) & (fresh > 0)
    if not used.any():
        return float("nan")
    farther_pairs = np.bincount(cells, farther, minlength=PARTITION_CELLS)[used]  # U of each cell
    m, n = generated[used].astype(float), fresh[used].astype(float)
    scores = (farther_pairs - n * m / 2 + 0.5) / np.sqrt(n * m * (n + m + 1) / 12)
    return float(np.average(scores, weights=n))
