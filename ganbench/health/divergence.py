# SPDX-License-Identifier: MIT
"""Divergence: numbers that leave every bound."""

from __future__ import annotations

from statistics import median

from ganbench.health.detector import Detector, Finding
from ganbench.health.history import History
from ganbench.records.json_values import as_number

RUNAWAY_FACTOR = 1000.0
"""How many times its early size a loss or logit has when it runs away."""

RUNAWAY_SIZE = 1000.0
"""Sizes below this are no divergence, however small they were before.

The critic of a healthy WGAN-GP starts at 0.1 and reaches 40 on digits.
"""

EARLY_TICKS = 10
LATE_TICKS = 3

_PREFIXES = ("loss/", "logits/")


def _find(history: History) -> Finding | None:
    if not history.ticks:
        return None
    broken = [name for name, value in history.ticks[-1].items() if _broken(name, value)]
    if broken:
        return Finding(f"{broken[0]} is no longer a finite number.", "failure")
    if history.status == "diverged":
        return Finding("Samples are no longer finite numbers.", "failure")
    for name in history.ticks[-1]:
        if not name.startswith(_PREFIXES) or len(history.ticks) < EARLY_TICKS + LATE_TICKS:
            continue
        early = [abs(value) for value in history.recorded(name)[:EARLY_TICKS]]
        late = [abs(value) for value in history.latest(name, LATE_TICKS)]
        if early and late and median(late) > max(RUNAWAY_SIZE, RUNAWAY_FACTOR * median(early)):
            grown = f"from {median(early):.3g} to {median(late):.3g}"
            return Finding(f"{name} has grown {grown} in size.")
    return None


def _broken(name: str, value: object) -> bool:
    """Tell whether a loss or logit is infinite or not a number, which is null in a record."""
    return name.startswith(_PREFIXES) and as_number(value) is None


DIVERGENCE = Detector(
    name="divergence",
    title="divergence",
    rule=(
        "A loss or a logit is not a finite number, or a sample is not; or the median size of a "
        f"loss or logit over {LATE_TICKS} ticks exceeds {RUNAWAY_SIZE:,.0f}, and "
        f"{RUNAWAY_FACTOR:,.0f} times its median over the first {EARLY_TICKS} ticks."
    ),
    meaning=(
        "The weights run away. Once a number is not finite, training ends, because nothing that "
        "follows would mean anything. The learning rate is too high, or nothing bounds the slope "
        "of the discriminator."
    ),
    find=_find,
    tricks=("gradient-penalty", "r1", "spectral-norm", "gradient-clipping"),
)
