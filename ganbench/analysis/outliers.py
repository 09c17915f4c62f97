# SPDX-License-Identifier: MIT
"""Values that lie far outside, so that a chart of the others stays readable."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median


def largest_usual(magnitudes: Sequence[float], most_times: float) -> float:
    """Return the largest magnitude that is at most ``most_times`` the median one.

    Where all usual magnitudes are zero it is the largest of all; without any, it is 1.

    >>> largest_usual([1.0, 2.0, 3.0, 100.0], most_times=6)
    3.0
    """
    if not magnitudes:
        return 1.0
    usual = median(magnitudes)
    near = [magnitude for magnitude in magnitudes if magnitude <= most_times * usual]
    return max(near, default=0.0) or max(magnitudes) or 1.0
