# SPDX-License-Identifier: MIT
"""Values of a treatment and its baseline, seed by seed, with everything that they show."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean

from ganbench.analysis.significance import PairedDifference, paired_difference, paired_t_p_value
from ganbench.analysis.stats import Estimate, mean_interval


@dataclass(frozen=True)
class PairedRatio:
    """The geometric mean of treatment / baseline, with a t interval of the logarithms.

    A treatment that scales a metric changes it by more where the baseline is larger. The
    logarithms of ratios do not have that spread, so they show large effects more often.
    ``p_value`` is from the paired t test of the logarithms (see ``paired_t_p_value``).
    """

    ratio: Estimate
    p_value: float | None


@dataclass(frozen=True)
class PairedValues:
    """The pairs of a treatment and its baseline in one metric.

    ``means`` are the means of treatment and baseline, ``differences`` the difference of each pair
    by seed. ``relative`` is the difference divided by the size of the baseline's mean; it has the
    sign of the difference. ``ratio`` is None unless all values are above zero,
    and where it is beyond the range of floats.
    """

    paired: PairedDifference
    means: tuple[float, float]
    differences: Mapping[int, float]
    relative: float | None
    ratio: PairedRatio | None


def paired_values(pairs: Mapping[int, tuple[float, float]], confidence: float) -> PairedValues:
    """Return what pairs show.

    Args:
        pairs: the values of treatment and baseline, by seed.
        confidence: the confidence of the intervals, between 0 and 1.

    Raises:
        ValueError: there are no pairs, or a value is not finite.
    """
    treatment, baseline = (list(values) for values in zip(*pairs.values(), strict=True))
    paired = paired_difference(treatment, baseline, confidence=confidence)
    means = fmean(treatment), fmean(baseline)
    return PairedValues(
        paired=paired,
        means=means,
        differences={seed: after - before for seed, (after, before) in pairs.items()},
        relative=paired.difference.value / abs(means[1]) if means[1] else None,
        ratio=_ratio(pairs, confidence),
    )


def _ratio(pairs: Mapping[int, tuple[float, float]], confidence: float) -> PairedRatio | None:
    """Return the mean ratio of pairs; None unless all values are above zero."""
    if min(min(pair) for pair in pairs.values()) <= 0:
        return None
    logarithms = [math.log(after) - math.log(before) for after, before in pairs.values()]
    mean = mean_interval(logarithms, confidence=confidence)
    try:
        value = math.exp(mean.value)
        low, high = (None if end is None else math.exp(end) for end in (mean.low, mean.high))
    except OverflowError:
        return None
    ratio = Estimate(value, low, high, mean.n, "t of logarithms")
    return PairedRatio(ratio, paired_t_p_value(logarithms))
