# SPDX-License-Identifier: MIT
"""The number of statistically different bins, of a partition of the real images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import rel_entr
from scipy.stats import binomtest, norm

from ganbench.evaluation.math.blocks import Memo, both, parts
from ganbench.evaluation.math.moments import Array
from ganbench.evaluation.metric import Evidence, Features, Metric, Value
from ganbench.registry import register

BINS = 100
SIGNIFICANCE = 0.05
_SEED = 0
"""Bins are the same for the same real images: they are part of the protocol."""
MOST_DIMENSIONS = 1000
ITERATIONS = 100
FEW = 10
"""Samples for each bin below which few differences can be told."""

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Bins:
    """A partition: centers (K, D) in some of the dimensions (D,), and real samples per bin (K,)."""

    centers: Array
    dimensions: NDArray[np.int64]
    counts: Counts


_bins: Memo[Bins] = Memo(4)


@register("ndb")
class DifferentBins(Metric):
    """Share of bins, of a partition of the real images, that hold another share of the samples.

    Paper: Richardson and Weiss, 2018, arXiv:1805.12462

    NDB / K: k-means on the pixels of the real images makes K = 100 bins (one start, seed 0, 100
    iterations at most; on a sixth of the dimensions, drawn with the same seed, where there are
    more than 1,000). A bin differs where the two-proportion z test with pooled variance gives
    p < 0.05, two-sided. 0.05 is expected where both distributions are the same. It grows with n,
    as smaller differences are told: it compares at equal counts only. The note has the
    Jensen-Shannon divergence between the two histograms, in nats. The original code draws a new
    partition at each call, and fails with current scikit-learn. The interval is Wilson's for
    K bins, over the fakes, the reference held fixed: it is too wide rather than too narrow, as
    bins differ in how likely they are to differ. On simulated data it covered the expectation in
    98 % of trials or more.
    """

    unit = "share"
    better = "lower"
    needs = ("features",)
    network = "pixels"
    parameters = f"bins={BINS}/p<{SIGNIFICANCE}/seed={_SEED}"

    def compute(self, real: Evidence, fake: Evidence, *, seed: int) -> Value:
        """Return the share for ``fake.features`` (N, d), bins made of ``real.features`` (M, d).

        Raises:
            ConfigError: there are no features.
            InputError: fewer real samples than bins, no generated ones, or some not finite.
        """
        reals, fakes = both(real, fake, metric="ndb", least_real=BINS, least_fake=1)
        bins = _bins.get((reals,), "", lambda: partition(reals))
        labels = assign(fakes, bins)
        counts = np.bincount(labels, minlength=len(bins.counts))
        different = int(differ(bins.counts, counts).sum())
        share = binomtest(different, len(counts))
        interval = share.proportion_ci(0.95, method="wilson")
        note = (
            f"{different} of {len(counts)} bins; 95 % interval over the fakes by Wilson's "
            f"formula; Jensen-Shannon divergence {js_divergence(bins.counts, counts):.3g} nats"
        )
        warning = ""
        if min(len(reals), len(fakes)) < FEW * len(counts) and len(fakes) > 1:
            halved = differ(bins.counts, np.bincount(labels[::2], minlength=len(counts))).mean()
            warning = (
                f"few samples show few differences: with half of the {len(fakes)} ndb is "
                f"{halved:.2f} instead of {share.statistic:.2f}"
            )
        low, high = float(interval.low), float(interval.high)
        return Value(float(share.statistic), low, high, note, warning=warning)


def partition(real: Features) -> Bins:
    """Return the bins that k-means makes of real features (M, d)."""
    from sklearn.cluster import KMeans

    size = real.shape[1]
    dimensions = np.arange(size)
    if size > MOST_DIMENSIONS:
        dimensions = np.sort(np.random.default_rng(_SEED).permutation(size)[: size // 6])
    means = KMeans(BINS, n_init=1, max_iter=ITERATIONS, random_state=_SEED)
    labels = means.fit_predict(np.ascontiguousarray(real[:, dimensions]))
    centers = np.asarray(means.cluster_centers_, dtype=np.float64)
    return Bins(centers, dimensions, np.bincount(labels, minlength=BINS))


def assign(features: Features, bins: Bins) -> NDArray[np.int64]:
    """Return the bin (N,) whose center is the nearest to each of features (N, d)."""
    norms = np.square(bins.centers).sum(axis=1)
    labels = np.empty(len(features), dtype=np.int64)
    for part in parts(len(features)):
        values = np.asarray(features[part][:, bins.dimensions], dtype=np.float64)
        labels[part] = (norms - 2 * values @ bins.centers.T).argmin(axis=1)
    return labels


def differ(real: Counts, fake: Counts) -> NDArray[np.bool_]:
    """Return for each bin (K,) whether its shares of two histograms differ significantly."""
    many, others = int(real.sum()), int(fake.sum())
    pooled = (real + fake) / (many + others)
    error = np.sqrt(pooled * (1 - pooled) * (1 / many + 1 / others))
    apart = np.abs(real / many - fake / others)
    scores = np.divide(apart, error, out=np.zeros(len(real)), where=error > 0)
    return np.asarray(2 * norm.sf(scores) < SIGNIFICANCE)


def js_divergence(real: Counts, fake: Counts) -> float:
    """Return the Jensen-Shannon divergence in nats, in [0, log 2], between two histograms (K,)."""
    first, second = real / real.sum(), fake / fake.sum()
    middle = (first + second) / 2
    return float((rel_entr(first, middle) + rel_entr(second, middle)).sum() / 2)
