# SPDX-License-Identifier: MIT
"""How unevenly samples spread over modes."""

from __future__ import annotations

import numpy as np

from ganbench.evaluation.math.intervals import NORMAL_QUANTILE
from ganbench.evaluation.math.mode_divergence import (
    expected_of_even,
    kl_divergence,
    plug_in_bias,
)
from ganbench.evaluation.metric import Value
from ganbench.evaluation.mode_counts import ModeCounts, ModeMetric
from ganbench.registry import register

_RESAMPLES = 1000


@register("reverse-kl")
class ReverseKL(ModeMetric):
    """Divergence of the samples' spread over modes from an even spread, which has 0.

    Paper: Lin et al., 2017, arXiv:1712.04086

    KL(p || uniform) = sum over K modes of p log(p K), natural logarithm, between 0 and log K. Of
    images, p is the histogram of predicted classes; of points, it is the histogram of the samples
    of high quality alone, and without any there is no value. The plug-in value lies above the true
    one: ``bias`` is by about how much, and the note gives the value of an even spread at this n.
    The interval is for the expectation at this n: value +- 1.96 SE, with SE the standard deviation
    (ddof 1) over 1,000 bootstrap resamples of the histogram. It covered the expectation in 92 to
    100 % of simulated trials with n from 50 to 25,000 and 10 to 1,000 modes.
    """

    unit = "nats"
    better = "lower"

    def of_counts(self, counts: ModeCounts, *, seed: int) -> Value:
        """Return the divergence of the samples per mode; NaN where no sample counts."""
        counted, modes = counts.counted, counts.modes
        if not counted:
            return Value(float("nan"), note="no value: no sample is of high quality")
        value = float(kl_divergence(counts.per_mode[None])[0])
        resampled = np.random.default_rng(seed).multinomial(
            counted, counts.per_mode / counted, size=_RESAMPLES
        )  # (R, K)
        error = float(kl_divergence(resampled).std(ddof=1))
        if counts.covered == 1:
            return Value(value, note="no interval: all samples that count are in one mode")
        margin = NORMAL_QUANTILE * error
        low, high = max(0.0, value - margin), min(float(np.log(modes)), value + margin)
        note = (
            f"95 % interval for the expectation at this n, from {_RESAMPLES} bootstrap resamples; "
            f"an even spread gives {expected_of_even(modes, counted):.2g} at this n"
        )
        return Value(value, low, high, note, bias=plug_in_bias(counts.per_mode))
