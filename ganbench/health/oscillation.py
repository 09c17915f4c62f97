# SPDX-License-Identifier: MIT
"""Oscillation: the players chase each other in circles, and do not come closer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import mul
from statistics import fmean, pvariance

from ganbench.health.detector import Detector, Finding
from ganbench.health.history import History

ADVERSARIAL_LOSSES = ("loss/discriminator/adversarial", "loss/generator/adversarial")

OSCILLATION_WINDOWS = (40, 80)
"""The numbers of ticks that are searched for a period."""

LEAST_PERIODS = 4
LEAST_PERIOD_TICKS = 3
"""Noise alone swings from tick to tick: shorter periods are no oscillation."""

PERIOD_SHARE = 0.6
"""The share of a loss's variance that one period must hold.

White noise reaches it in fewer than one in 10,000 looks: see docs/health.md.
"""

LASTING_SHARE = 0.5
"""The share of its strength that an oscillation must keep from the first half of a window to the
second. One that decays converges."""

LEAST_SWING = 0.1
"""The least swing, as a share of the range that the loss has had since the run began."""


@dataclass(frozen=True)
class _Swing:
    """An oscillation: its period in ticks, and the number of periods in the window."""

    period: float
    cycles: int


def _find(history: History) -> Finding | None:
    for window in OSCILLATION_WINDOWS:
        swings = [_swing(history, name, window) for name in ADVERSARIAL_LOSSES]
        found = [swing for swing in swings if swing is not None]
        if len(found) == len(ADVERSARIAL_LOSSES) and abs(found[0].cycles - found[1].cycles) <= 1:
            return Finding(
                f"Both losses swing with a period of {found[1].period:.2g} ticks, for "
                f"{found[1].cycles} periods, and no weaker at the end."
            )
    return None


def _swing(history: History, name: str, window: int) -> _Swing | None:
    """Return the oscillation of a loss over the last ticks; None if there is none."""
    values = history.latest(name, window)
    if not values:
        return None
    swinging = detrended(values)
    half = window // 2
    spread = pvariance(swinging)
    everything = history.recorded(name)
    if math.sqrt(2 * spread) < LEAST_SWING / 2 * (max(everything) - min(everything)) or not spread:
        return None
    if pvariance(swinging[half:]) < LASTING_SHARE * pvariance(swinging[:half]):
        return None
    cycles, share = strongest_period(swinging)
    fits = LEAST_PERIODS <= cycles <= window // LEAST_PERIOD_TICKS
    return _Swing(window / cycles, cycles) if fits and share >= PERIOD_SHARE else None


def detrended(values: Sequence[float]) -> list[float]:
    """Return values without the straight line that fits them best."""
    middle = (len(values) - 1) / 2
    mean = fmean(values)
    products = [(index - middle) * (value - mean) for index, value in enumerate(values)]
    slope = math.fsum(products) / math.fsum((index - middle) ** 2 for index in range(len(values)))
    return [value - mean - slope * (index - middle) for index, value in enumerate(values)]


def strongest_period(values: Sequence[float]) -> tuple[int, float]:
    """Return how often the strongest period fits into a series, and its share of the variance.

    The share is that of three neighboring frequencies, because a period seldom fits exactly.
    """
    count = len(values)
    powers = [
        sum(map(mul, values, cosines)) ** 2 + sum(map(mul, values, sines)) ** 2
        for cosines, sines in _waves(count)
    ]
    total = math.fsum(powers)
    if not total:
        return 1, 0.0
    # The power of c cycles stands at index c - 1.
    strongest = max(range(2, count // 2), key=lambda cycles: powers[cycles - 1])
    return strongest, math.fsum(powers[strongest - 2 : strongest + 1]) / total


@lru_cache(maxsize=len(OSCILLATION_WINDOWS))
def _waves(count: int) -> list[tuple[list[float], list[float]]]:
    """Return the cosine and the sine that fit once into ``count`` ticks, twice, and so on."""
    angles = [
        [2 * math.pi * cycles * index / count for index in range(count)]
        for cycles in range(1, count // 2 + 1)
    ]
    return [
        ([math.cos(angle) for angle in row], [math.sin(angle) for angle in row]) for row in angles
    ]


def _lacking(history: History) -> str:
    if any(len(history.recorded(name)) < OSCILLATION_WINDOWS[0] for name in ADVERSARIAL_LOSSES):
        return f"there are fewer than {OSCILLATION_WINDOWS[0]} ticks with both losses"
    return ""


OSCILLATION = Detector(
    name="oscillation",
    title="oscillation",
    rule=(
        f"Within {OSCILLATION_WINDOWS[0]} or {OSCILLATION_WINDOWS[1]} ticks, one period holds at "
        f"least {100 * PERIOD_SHARE:.0f} % of the variance of each player's adversarial loss, "
        "after a straight line is taken out. It "
        f"is at least {LEAST_PERIOD_TICKS} ticks long, fits at least {LEAST_PERIODS} times, and as "
        "often for both players, give or take one. The second half of the window keeps at least "
        f"{100 * LASTING_SHARE:.0f} % of the variance of the first, and the swing is at least "
        f"{100 * LEAST_SWING:.0f} % of the range that the loss has had."
    ),
    meaning=(
        "Each player undoes what the other has learned: the pair circles around the equilibrium. "
        "The last generator is no better than others of the same circle; an average of their "
        "weights often is."
    ),
    find=_find,
    lacking=_lacking,
    tricks=(
        "r1",
        "instance-noise",
        "consensus",
        "extragradient",
        "optimistic-adam",
        "lookahead",
        "ema",
    ),
)
