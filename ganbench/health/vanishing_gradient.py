# SPDX-License-Identifier: MIT
"""Vanishing gradient: the generator is told next to nothing."""

from __future__ import annotations

from statistics import median

from ganbench.health.detector import Detector, Finding
from ganbench.health.history import History
from ganbench.health.saturation import DISCRIMINATOR_SIGNAL

GENERATOR_SIGNAL = "signal/generator"
GENERATOR_NORM = "gradient/generator"

VANISHED_BELOW = 0.01
"""The share of the slope of the generator's loss that is left once it has vanished."""

NORM_BELOW = 1e-3
"""The share of its largest earlier size at which the gradient in the weights has vanished."""

SURE_BELOW = 0.5
"""The share of its own gradient below which a discriminator is not in balance with the generator.

In balance the generator's gradient falls without bound, because the two have converged.
"""

VANISHING_TICKS = 10


def _find(history: History) -> Finding | None:
    left = history.latest(GENERATOR_SIGNAL, VANISHING_TICKS)
    if left and median(left) < VANISHED_BELOW:
        return Finding(
            f"Over {VANISHING_TICKS} ticks the generator's loss had {100 * median(left):.2g} % "
            "of the gradient left that it gives at an undecided discriminator."
        )
    sure = history.latest(DISCRIMINATOR_SIGNAL, VANISHING_TICKS)
    if not sure or median(sure) >= SURE_BELOW:
        return None
    norms = history.latest(GENERATOR_NORM, VANISHING_TICKS)
    largest = max(history.medians(GENERATOR_NORM, VANISHING_TICKS), default=0.0)
    if norms and median(norms) < NORM_BELOW * largest:
        return Finding(
            f"The norm of the generator's gradient has fallen from {largest:.2g} to "
            f"{median(norms):.2g}."
        )
    return None


def _lacking(history: History) -> str:
    if history.recorded(GENERATOR_SIGNAL) or history.recorded(GENERATOR_NORM):
        return ""
    return f"{GENERATOR_SIGNAL} and {GENERATOR_NORM} were not recorded"


VANISHING_GRADIENT = Detector(
    name="vanishing-gradient",
    title="vanishing generator gradient",
    rule=(
        f"The median of {GENERATOR_SIGNAL} over {VANISHING_TICKS} ticks is below "
        f"{VANISHED_BELOW}: the same share for the generator's loss. Or the median of "
        f"{GENERATOR_NORM}, the norm of the gradient in the generator's weights, is below "
        f"{NORM_BELOW} times the largest such median before, while {DISCRIMINATOR_SIGNAL} is below "
        f"{SURE_BELOW}."
    ),
    meaning=(
        "The generator moves, if at all, by chance. The value function of the original GAN does "
        "this where the discriminator is sure; the non-saturating loss was made against it."
    ),
    find=_find,
    lacking=_lacking,
    tricks=("instance-noise", "gradient-penalty"),
    losses=("non-saturating", "least-squares", "wasserstein"),
)
