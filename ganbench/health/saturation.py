# SPDX-License-Identifier: MIT
"""Saturation: a discriminator that is so sure of everything that it stops learning."""

from __future__ import annotations

from statistics import median

from ganbench.health.detector import Detector, Finding
from ganbench.health.history import History

DISCRIMINATOR_SIGNAL = "signal/discriminator"

SATURATED_BELOW = 0.01
"""The share of its gradient that a saturated discriminator has left.

A healthy DCGAN on digits goes down to 0.05 within its first minutes, for single ticks.
"""

SATURATION_TICKS = 10


def _find(history: History) -> Finding | None:
    left = history.latest(DISCRIMINATOR_SIGNAL, SATURATION_TICKS)
    if not left or median(left) >= SATURATED_BELOW:
        return None
    return Finding(
        f"Over {SATURATION_TICKS} ticks the discriminator's loss had {100 * median(left):.2g} % "
        "of the gradient left that it gives an undecided discriminator."
    )


def _lacking(history: History) -> str:
    return (
        "" if history.recorded(DISCRIMINATOR_SIGNAL) else f"{DISCRIMINATOR_SIGNAL} was not recorded"
    )


SATURATION = Detector(
    name="saturation",
    title="discriminator saturation",
    rule=(
        f"The median of {DISCRIMINATOR_SIGNAL} over {SATURATION_TICKS} ticks is below "
        f"{SATURATED_BELOW}: the sum of the absolute slopes of the discriminator's adversarial "
        "loss in its logits, as a share of their sum at logits of zero."
    ),
    meaning=(
        "The discriminator tells real from generated examples without a mistake. Its loss is flat "
        "there, so it learns nothing more, and what it tells the generator is no longer about "
        "what is wrong with the samples."
    ),
    find=_find,
    lacking=_lacking,
    tricks=("instance-noise", "r1", "spectral-norm", "gradient-penalty", "diffaugment", "ada"),
    losses=("wasserstein",),
)
