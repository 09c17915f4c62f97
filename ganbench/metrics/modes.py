# SPDX-License-Identifier: MIT
"""The number of modes that samples cover."""

from __future__ import annotations

from ganbench.evaluation.metric import Value
from ganbench.evaluation.mode_counts import ModeCounts, ModeMetric
from ganbench.registry import register

NOTABLE_MISSES = 0.5
"""How many modes an even spread may miss, in expectation, before a warning says so."""


@register("modes")
class Modes(ModeMetric):
    """Classes, or centers of a mixture, that at least one sample covers.

    Paper: Lin et al., 2017, arXiv:1712.04086

    Of images: the classes that a classifier finds among the samples, 1,000 triples where three
    digits are stacked. Of points: the centers nearest to at least one sample within 3 sigma (<=).
    There is no interval: the count grows with n, and resampling can only lower it. A warning says
    when n is so small that even an even spread would leave modes out.
    """

    better = "higher"

    def of_counts(self, counts: ModeCounts, *, seed: int) -> Value:
        """Return how many modes are covered; ``seed`` is not used."""
        modes = counts.modes
        note = (
            f"of {modes}; no interval: the number of modes seen can only grow with n, and "
            "resampling can only lower it"
        )
        missed = modes * (1.0 - 1.0 / modes) ** counts.samples
        warning = ""
        if missed >= NOTABLE_MISSES:
            warning = (
                f"even a perfect generator would miss about {missed:.2g} of {modes} modes, because "
                f"n is only {counts.samples}"
            )
        return Value(float(counts.covered), note=note, warning=warning)
