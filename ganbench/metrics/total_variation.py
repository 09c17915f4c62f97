# SPDX-License-Identifier: MIT
"""How much of the samples lies where the data do not."""

from __future__ import annotations

import numpy as np

from ganbench.evaluation.math.arrays import Array
from ganbench.evaluation.math.intervals import NO_SPREAD, NORMAL_QUANTILE, all_equal
from ganbench.evaluation.metric import Value
from ganbench.evaluation.mode_counts import ModeCounts, ModeMetric
from ganbench.registry import register

_RESAMPLES = 1000


@register("total-variation")
class TotalVariation(ModeMetric):
    """Share of samples that would have to move to lie in the modes, and outside, as data do.

    Paper: Lin et al., 2017, arXiv:1712.04086

    sum over the K modes and what lies outside of |p - q| / 2, between 0 and 1. Of points, p is the
    share of samples that are of high quality and nearest to a mode's center, and the rest lies
    outside; q is the share of the mixture there, (1 - exp(-9/2)) / K for each mode in the plane. Of
    images, p is the histogram of predicted classes, q an even one, and nothing lies outside. It
    cannot exceed the total variation distance of generator and data, in which the paper describes
    mode collapse. It rises with modes that are missed, with uneven shares, and with samples between
    the modes, of which ``modes`` and ``reverse-kl`` say nothing; inside a mode it does not look.

    The value of few samples lies above the true one; the floor is that of samples of the data. The
    interval is for the expectation at this n: value +- 1.96 SE, with SE the standard deviation
    (ddof 1) over 1,000 bootstrap resamples of the shares.
    """

    unit = "share"
    better = "lower"

    def of_counts(self, counts: ModeCounts, *, seed: int) -> Value:
        """Return the distance of the shares of modes and outside from those of the data."""
        outside = counts.samples - counts.counted
        shares = np.append(counts.per_mode, outside) / counts.samples  # (K + 1,)
        expected = np.full(counts.modes + 1, counts.inside / counts.modes)
        expected[-1] = 1 - counts.inside
        value = float(_distance(shares[None], expected)[0])
        resampled = np.random.default_rng(seed).multinomial(
            counts.samples, shares, size=_RESAMPLES
        )  # (R, K + 1)
        distances = _distance(resampled / counts.samples, expected)
        where = f"{outside / counts.samples:.3g} of the samples lie outside"
        if all_equal(distances):  # all of them do, or all are in one mode
            return Value(value, note=f"{NO_SPREAD}; {where}")
        error = float(distances.std(ddof=1))
        low, high = value - NORMAL_QUANTILE * error, value + NORMAL_QUANTILE * error
        note = (
            f"95 % interval for the expectation at this n, from {_RESAMPLES} bootstrap resamples; "
            f"{where}"
        )
        return Value(value, max(0.0, low), min(1.0, high), note)


def _distance(shares: Array, expected: Array) -> Array:
    """Return half the sum of absolute differences: (R, K) and (K,) to (R,)."""
    distances: Array = np.abs(shares - expected).sum(axis=1) / 2
    return distances
