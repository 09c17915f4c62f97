# SPDX-License-Identifier: MIT
"""How metrics make their 95 % intervals, and the notes that say so."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binomtest
from scipy.stats import t as student

from ganbench.evaluation.metric import Value

NORMAL_QUANTILE = 1.96
"""Half the width of a 95 % interval of a normal distribution, in standard errors."""

NOTABLE_BIAS = 0.1
"""The share of the value above which its bias deserves a warning."""

NO_SPREAD = "no interval: too few samples, or no spread among them"
AT_THIS_N = "95 % interval for the expectation at this n over the fakes, the reference held fixed"
BY_WILSON = "95 % interval over the fakes by Wilson's formula, the reference held fixed"


def all_equal(values: ArrayLike) -> bool:
    """Tell whether values show no spread; NaN counts as no value.

    A standard deviation does not tell: rounding leaves some even of equal values.
    """
    return bool(np.nanmin(values) == np.nanmax(values))


def student_quantile(degrees: int) -> float:
    """Return the same half width for Student's t with that many degrees of freedom."""
    return float(student.ppf(0.975, degrees))


def share_by_wilson(hits: int, count: int, note: str, warning: str = "") -> Value:
    """Return ``hits`` of ``count`` independent samples as a share with Wilson's interval."""
    share = binomtest(hits, count)
    interval = share.proportion_ci(0.95, method="wilson")
    return Value(
        float(share.statistic), float(interval.low), float(interval.high), note, warning=warning
    )


def wilson_bounds(share: float, count: float, quantile: float) -> tuple[float, float]:
    """Return Wilson's interval of a share of ``count`` independent samples.

    ``count`` need not be a whole number; ``quantile`` is half the width of the interval in
    standard errors.
    """
    spread = share * (1 - share)
    excess = quantile**2 / count
    middle = (share + excess / 2) / (1 + excess)
    margin = (excess * spread + excess**2 / 4) ** 0.5 / (1 + excess)
    return max(0.0, middle - margin), min(1.0, middle + margin)
