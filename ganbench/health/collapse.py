# SPDX-License-Identifier: MIT
"""Collapse: the generator draws one sample, whatever the latent."""

from __future__ import annotations

from ganbench.health.detector import Detector, Finding
from ganbench.health.history import History

COLLAPSED_BELOW = 0.05
"""A run has collapsed if its samples vary less than this share of how much real ones do."""

VARIED_ABOVE = 0.2
"""A generator that varied as much as this before has lost its variety, not failed to gain it."""


def _find(history: History) -> Finding | None:
    shares = history.recorded("diversity")
    if history.status == "collapsed":
        return Finding("At the end all samples are nearly the same.", "failure")
    if shares and shares[-1] < COLLAPSED_BELOW and max(shares) > VARIED_ABOVE:
        lost = f"{shares[-1]:.2g} times as much as real ones, after {max(shares):.2g} times"
        return Finding(f"Samples vary {lost}.", "failure")
    return None


def _lacking(history: History) -> str:
    return "" if history.recorded("diversity") else "the diversity of samples was not recorded"


COLLAPSE = Detector(
    name="collapse",
    title="collapse",
    rule=(
        f"The standard deviation of samples falls below {COLLAPSED_BELOW} times that of real "
        f"examples, after it had been above {VARIED_ABOVE} times; or it is below at the end."
    ),
    meaning=(
        "The generator has found a sample that satisfies the discriminator of the moment, and "
        "makes nothing else."
    ),
    find=_find,
    lacking=_lacking,
    tricks=("pacgan", "unrolled", "r1", "gradient-penalty", "spectral-norm"),
)
