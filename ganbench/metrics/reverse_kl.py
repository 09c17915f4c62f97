# SPDX-License-Identifier: MIT
"""How unevenly samples spread over modes."""

from __future__ import annotations

import numpy as np
from scipy.special import xlogy

from ganbench.metrics.coverage import count_modes
from ganbench.metrics.metric import Array, Evidence, Metric, Value
from ganbench.registry import register

RESAMPLES = 1000


@register("reverse-kl")
class ReverseKL(Metric):
    """Divergence of the samples' spread over modes from the even one: 0 is even.

    Paper: Lin et al., 2017, arXiv:1712.04086

    KL(p || uniform) = sum over K modes of p log(p K), natural logarithm, between 0 and log K. p
    is the histogram of predicted classes, or, of points, that of the samples of high quality
    alone; without any there is no value. The plug-in value lies above the true one by about
    (K - 1) / 2n. The interval is for the expectation at this n: value +- 1.96 SE, with SE the
    standard deviation over 1,000 bootstrap resamples of the histogram.
    """

    unit = "nats"
    better = "lower"
    needs = ("probabilities", "points")

    def compute(self, real: Evidence, fake: Evidence, *, seed: int) -> Value:
        """Return the divergence of ``fake``; NaN where no sample counts. ``real`` is not used.

        Raises:
            ConfigError: neither probabilities, nor points with their mixture.
            InputError: no samples, or some that are not finite.
        """
        counts = count_modes(fake, "reverse-kl")
        counted, modes = counts.counted, len(counts.per_mode)
        if not counted:
            return Value(float("nan"), note="no value: no sample is of high quality")
        value = float(divergence(counts.per_mode[None])[0])
        resampled = np.random.default_rng(seed).multinomial(
            counted, counts.per_mode / counted, size=RESAMPLES
        )
        error = float(divergence(resampled).std(ddof=1))
        if counts.covered == 1:
            return Value(value, note="no interval: all samples that count are in one mode")
        low, high = max(0.0, value - 1.96 * error), min(float(np.log(modes)), value + 1.96 * error)
        note = (
            f"95 % interval for the expectation at this n, from {RESAMPLES} bootstrap resamples; "
            f"an even spread gives about {(modes - 1) / (2 * counted):.2g}"
        )
        return Value(value, low, high, note)


def divergence(counts: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> Array:
    """Return KL(p || uniform) in nats (R,) for each row of counts (R, K) that is not all zero."""
    shares = counts / counts.sum(axis=1, keepdims=True)
    result: Array = xlogy(shares, shares * counts.shape[1]).sum(axis=1)
    return result.clip(min=0.0)
