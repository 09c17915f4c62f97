# SPDX-License-Identifier: MIT
"""The number of modes that samples cover."""

from __future__ import annotations

from dataclasses import replace

from ganbench.evaluation.corrected_modes import corrected_modes
from ganbench.evaluation.evidence import Evidence
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
    when n is so small that even an even spread would leave modes out, and another when the count
    exceeds that of ``modes-corrected``: a single sample that the classifier puts into a wrong class
    is a mode here.
    """

    better = "higher"

    def compute(self, real: Evidence, fake: Evidence, *, seed: int) -> Value:
        """Return the value for ``fake``, with a warning where errors of the classifier count.

        Raises:
            ConfigError: There are neither probabilities nor points with their mixture.
            InputError: There are no samples, or some are not finite.
        """
        value = super().compute(real, fake, seed=seed)
        if fake.probabilities is None:
            return value
        corrected = corrected_modes(fake.probabilities)
        note = f"{value.note}; {corrected} with the classifier's errors taken out"
        warning = ""
        if corrected < value.value:
            warning = (
                f"only {corrected} of the {value.value:.0f} modes hold a tenth of an even share "
                "with the classifier's errors taken out: see modes-corrected"
            )
        return replace(value, note=note, warning="; ".join(filter(None, [warning, value.warning])))

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
