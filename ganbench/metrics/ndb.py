# SPDX-License-Identifier: MIT
"""The number of statistically different bins, of a partition of the real images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import rel_entr
from scipy.stats import norm

from ganbench.evaluation.checks import require_features
from ganbench.evaluation.evidence import Evidence, random_half
from ganbench.evaluation.math.arrays import Array, Features, Flags, Indices
from ganbench.evaluation.math.blockwise import blocks
from ganbench.evaluation.math.intervals import BY_WILSON, share_by_wilson
from ganbench.evaluation.math.memo import Memo
from ganbench.evaluation.metric import Metric, Value
from ganbench.registry import register

BINS = 100
SIGNIFICANCE = 0.05
_SEED = 0
"""Bins are the same for the same real images: they are part of the protocol."""
MOST_DIMENSIONS = 1000
ITERATIONS = 100
FEW = 10
"""Samples per bin below which few differences can be told."""


@dataclass(frozen=True)
class Partition:
    """Bins: centers (K, D) in some of the dimensions (D,), and real samples per bin (K,)."""

    centers: Array
    dimensions: Indices
    counts: Indices


_partitions: Memo[Partition] = Memo()


@register("ndb")
class DifferentBins(Metric):
    """Share of bins, of a partition of the real images, that hold another share of the samples.

    Paper: Richardson and Weiss, 2018, arXiv:1805.12462

    NDB / K: k-means on the pixels of the real images makes K = 100 bins (one start, seed 0, 100
    iterations at most; on a sixth of the dimensions, drawn with the same seed, where there are
    more than 1,000). A bin differs where the two-proportion z test with pooled variance gives
    p < 0.05, two-sided. Where both distributions are the same, 0.03 of the bins differ: 0.02 to
    0.04 in simulations with 16 normal features and with digits, 500 to 4,000 samples a side. In
    784 features of pure noise it is 0.2 to 0.75, as bins then fit the real samples alone: the
    floor shows it. The value grows with n, as smaller differences are told: it compares at equal
    counts only. The note has the Jensen-Shannon divergence between the two histograms, in nats.
    The original code draws a new partition at each call, and fails with current scikit-learn. The
    interval is Wilson's for K bins, over the fakes, the reference held fixed: it is too wide rather
    than too narrow, as bins differ in how likely they are to differ. On simulated data it covered
    the expectation in 98 % of trials or more.
    """

    unit = "share"
    better = "lower"
    needs = ("features",)
    network = "pixels"
    parameters = f"bins={BINS}/p<{SIGNIFICANCE}/seed={_SEED}"

    def compute(self, real: Evidence, fake: Evidence, *, seed: int) -> Value:
        """Return the share for ``fake.features`` (N, d), bins made of ``real.features`` (M, d).

        Raises:
            ConfigError: There are no features.
            InputError: There are fewer real samples than bins, no generated ones, or some that are
                not finite.
        """
        reals, fakes = require_features(real, fake, metric=self.name, least_real=BINS, least_fake=1)
        partition = _partitions.get((reals,), "", lambda: make_partition(reals))
        bins = assign(fakes, partition)
        counts = np.bincount(bins, minlength=BINS)
        different = int(differ(partition.counts, counts).sum())
        warning = ""
        if min(len(reals), len(fakes)) < FEW * BINS and len(fakes) > 1:
            # Samples may stand in the order of their classes, so the half is a random one.
            half_counts = np.bincount(bins[random_half(len(fakes))], minlength=BINS)
            halved = differ(partition.counts, half_counts).mean()
            if halved < different / BINS:
                warning = (
                    f"few samples show few differences: with half of the {len(fakes)} ndb is "
                    f"{halved:.2f} instead of {different / BINS:.2f}"
                )
        divergence = js_divergence(partition.counts, counts)
        note = (
            f"{different} of {BINS} bins; {BY_WILSON}; Jensen-Shannon divergence "
            f"{divergence:.3g} nats"
        )
        return share_by_wilson(different, BINS, note, warning)


def make_partition(real: Features) -> Partition:
    """Return the bins that k-means makes of real features (M, d)."""
    from sklearn.cluster import KMeans

    size = real.shape[1]
    dimensions = np.arange(size)
    if size > MOST_DIMENSIONS:
        dimensions = np.sort(np.random.default_rng(_SEED).permutation(size)[: size // 6])
    means = KMeans(BINS, n_init=1, max_iter=ITERATIONS, random_state=_SEED)
    bins = means.fit_predict(np.ascontiguousarray(real[:, dimensions]))  # (M,)
    centers = np.asarray(means.cluster_centers_, dtype=np.float64)
    return Partition(centers, dimensions, np.bincount(bins, minlength=BINS))


def assign(features: Features, partition: Partition) -> Indices:
    """Return the bin (N,) whose center is nearest to each of features (N, d)."""
    norms = np.square(partition.centers).sum(axis=1)  # (K,)
    bins = np.empty(len(features), dtype=np.int64)
    for rows in blocks(len(features)):
        values = np.asarray(features[rows][:, partition.dimensions], dtype=np.float64)  # (B, D)
        bins[rows] = (norms - 2 * values @ partition.centers.T).argmin(axis=1)
    return bins


def differ(real: Indices, fake: Indices) -> Flags:
    """Return for each bin (K,) whether its shares of two histograms differ significantly."""
    n_real, n_fake = int(real.sum()), int(fake.sum())
    pooled = (real + fake) / (n_real + n_fake)
    error = np.sqrt(pooled * (1 - pooled) * (1 / n_real + 1 / n_fake))
    apart = np.abs(real / n_real - fake / n_fake)
    scores = np.divide(apart, error, out=np.zeros(len(real)), where=error > 0)
    return np.asarray(2 * norm.sf(scores) < SIGNIFICANCE)


def js_divergence(real: Indices, fake: Indices) -> float:
    """Return the Jensen-Shannon divergence in nats, in [0, log 2], between two histograms (K,)."""
    real_shares, fake_shares = real / real.sum(), fake / fake.sum()
    middle = (real_shares + fake_shares) / 2
    return float((rel_entr(real_shares, middle) + rel_entr(fake_shares, middle)).sum() / 2)
