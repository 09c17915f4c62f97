# SPDX-License-Identifier: MIT
"""Precision and recall for distributions: a curve over clusters, and its two summaries."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from sklearn.cluster import MiniBatchKMeans

from ganbench.evaluation.checks import require_features
from ganbench.evaluation.evidence import Evidence
from ganbench.evaluation.math.arrays import Array, Features
from ganbench.evaluation.math.intervals import NO_SPREAD, NORMAL_QUANTILE, all_equal
from ganbench.evaluation.math.memo import Memo
from ganbench.evaluation.metric import Metric, PointSupport, Value
from ganbench.registry import register

CLUSTERS = 20
RUNS = 10
"""Clusterings, seeded 0 to 9, over which curves are averaged."""
ANGLES = 1001
BETA = 8
_RESAMPLED = 200
_EPSILON = 1e-10

_clusterings: Memo[tuple[Array, Array]] = Memo(4)


def prd_curve(real: Array, fake: Array) -> tuple[Array, Array]:
    """Return precision and recall (ANGLES,) of histograms (..., K) that sum to 1.

    At the slope s = tan(angle), precision is the sum of min(s real, fake), recall is that over s.
    """
    angles = np.linspace(_EPSILON, np.pi / 2 - _EPSILON, ANGLES)
    slopes = np.tan(angles)  # (A,)
    scaled = real[..., None, :] * slopes[:, None]  # (..., A, K)
    precision = np.minimum(scaled, fake[..., None, :]).sum(axis=-1)  # (..., A)
    recall = precision / slopes
    return np.clip(precision, 0, 1), np.clip(recall, 0, 1)


def largest_f(precision: Array, recall: Array, beta: float) -> Array:
    """Return the largest F score of curves (..., A), with recall weighted beta times."""
    scores = (1 + beta**2) * precision * recall / (beta**2 * precision + recall + _EPSILON)
    largest: Array = scores.max(axis=-1)
    return largest


class _PRDSummary(Metric):
    """What the two summaries of the curve share."""

    better = "higher"
    unit = "share"
    needs = ("features",)
    points: ClassVar[PointSupport] = "features"
    parameters = f"k={CLUSTERS}/runs={RUNS}/angles={ANGLES}/beta={BETA}"
    beta: ClassVar[float]

    def compute(self, real: Evidence, fake: Evidence, *, seed: int) -> Value:
        """Return the largest F score of the curve that is averaged over clusterings.

        Raises:
            ConfigError: There are no features.
            InputError: There are too few samples, or features that are not finite.
        """
        reals, fakes = require_features(
            real, fake, metric=self.name, least_real=CLUSTERS, least_fake=2
        )
        places = _clusterings.get((reals, fakes), "prd", lambda: _clustered(reals, fakes))
        of_real, of_fake = (np.stack([_shares(row) for row in side]) for side in places)  # (R, K)
        value = self._value(of_real, of_fake)
        random = np.random.default_rng(seed)
        resampled = []
        for _ in range(_RESAMPLED):
            drawn = places[1][:, random.integers(len(fakes), size=len(fakes))]
            resampled.append(self._value(of_real, np.stack([_shares(row) for row in drawn])))
        if all_equal(resampled):  # all samples are in one cluster
            return Value(value, note=NO_SPREAD)
        margin = NORMAL_QUANTILE * float(np.std(resampled, ddof=1))
        note = (
            f"95 % interval over the fakes by the deviation of {_RESAMPLED} bootstrap samples, the "
            "reference and the clusters held fixed"
        )
        return Value(value, max(0.0, value - margin), min(1.0, value + margin), note)

    def _value(self, real: Array, fake: Array) -> float:
        """Return the summary of the mean curve of histograms (R, K)."""
        precision, recall = prd_curve(real, fake)
        return float(largest_f(precision.mean(axis=0), recall.mean(axis=0), self.beta))


@register("prd-recall")
class PRDRecall(_PRDSummary):
    """F8 of the precision-recall curve for distributions, which weighs recall.

    Paper: Sajjadi et al., 2018, arXiv:1806.00035

    k-means (mini-batches, ten starts) divides the features of both sets together into 20 clusters.
    Of the two histograms, precision at the slope s is the sum of min(s real, fake), and recall is
    that over s; the curve has 1,001 angles, is averaged over ten clusterings, and is summed up by
    its largest F8. As in the authors' code, but clusterings are seeded, 0 to 9, and sets of
    different sizes are used whole, each normalized by itself. The interval is over the fakes, the
    reference and the clusters held fixed: the deviation of 200 bootstrap samples. Finite sets of
    one distribution stay below 1, as the floor shows: the value compares only at equal counts.
    """

    beta = float(BETA)


@register("prd-precision")
class PRDPrecision(_PRDSummary):
    """F1/8 of the precision-recall curve for distributions, which weighs precision.

    Paper: Sajjadi et al., 2018, arXiv:1806.00035

    Curve, conventions and interval are as in ``prd-recall``.
    """

    beta = 1 / BETA


def _clustered(real: Features, fake: Features) -> tuple[Array, Array]:
    """Return the clusters (R, M) of the real and (R, N) of the generated samples."""
    both = np.concatenate([np.asarray(real, np.float32), np.asarray(fake, np.float32)])
    places = [
        MiniBatchKMeans(CLUSTERS, n_init=10, random_state=run).fit_predict(both)
        for run in range(RUNS)
    ]
    rows = np.stack(places)
    return rows[:, : len(real)], rows[:, len(real) :]


def _shares(places: Array) -> Array:
    """Return the histogram (K,) of clusters (N,)."""
    shares: Array = np.bincount(places, minlength=CLUSTERS) / len(places)
    return shares
