# SPDX-License-Identifier: MIT
"""The number of modes that samples cover."""

from __future__ import annotations

from ganbench.evaluation.metric import Evidence, Metric, Value
from ganbench.evaluation.mode_counts import count_modes
from ganbench.registry import register

NOTED = 0.5
"""How many modes an even spread may miss, in expectation, before a warning says so."""


@register("modes")
class Modes(Metric):
    """Classes, or centers of a mixture, that at least one sample covers.

    Paper: Lin et al., 2017, arXiv:1712.04086

    Of images: the classes that a classifier finds among the samples, 1,000 triples where three
    digits are stacked. Of points: the centers nearest to at least one sample within 3 sigma (<=).
    There is no interval: the count grows with n, and resampling can only lower it. A warning says
    when n is so small that even an even spread would leave modes out.
    """

    better = "higher"
    needs = ("probabilities",)
    points = "mixture"
    network = None
    compares = False

    def compute(self, real: Evidence, fake: Evidence, *, seed: int) -> Value:
        """Return how many modes ``fake`` covers; ``real`` and ``seed`` are not used.

        Raises:
            ConfigError: neither probabilities, nor points with their mixture.
            InputError: no samples, or some that are not finite.
        """
        counts = count_modes(fake, "modes")
        note = (
            f"of {len(counts.per_mode)}; no interval: a count of what was seen can only grow with "
            "n, and resampling can only lower it"
        )
        modes = len(counts.per_mode)
        missed = modes * (1.0 - 1.0 / modes) ** counts.samples
        warning = ""
        if missed >= NOTED:
            warning = (
                f"even a perfect generator would miss about {missed:.2g} of {modes} modes, because "
                f"n is only {counts.samples}"
            )
        return Value(float(counts.covered), note=note, warning=warning)
