# SPDX-License-Identifier: MIT
"""Oscillation: the players chase each other in circles, and do not come closer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from operator import mul
from statistics import fmean

from ganbench.health.detector import Detector, Finding
from ganbench.health.history import History

ADVERSARIAL_LOSSES = ("loss/discriminator/adversarial", "loss/generator/adversarial")

OSCILLATION_WINDOWS = (40, 80)
"""The numbers of ticks that are searched for a period."""

LEAST_PERIODS = 4
LEAST_PERIOD_TICKS = 3
"""Noise alone swings from tick to tick: shorter periods are no oscillation."""

PERIOD_SHARE = 0.75
"""The share of a loss's variance that one period must hold.

Noise that remembers its past reaches 0.6 in one run of fifteen, and 0.75 in fewer than one of a
hundred: see docs/health.md.
"""

LASTING_SHARE = 0.5
"""The share of its strength that an oscillation must keep from the first half of a window to the
second. One that decays converges."""

LEAST_SWING = 0.1
"""The least swing, as a share of the range that the loss has had since the run began."""


def _find(history: History) -> Finding | None:
    for window in OSCILLATION_WINDOWS:
        cycles: list[int] = []
        for name in ADVERSARIAL_LOSSES:
            found = _cycles(history, name, window)
            if found is None:  # both players must swing: the other need not be looked at
                break
            cycles.append(found)
        if len(cycles) == len(ADVERSARIAL_LOSSES) and max(cycles) - min(cycles) <= 1:
            return Finding(
                f"Both losses swing with a period of {window / cycles[-1]:.2g} ticks, for "
                f"{cycles[-1]} periods, and no weaker at the end."
            )
    return None


def _cycles(history: History, name: str, window: int) -> int | None:
    """Return how often a loss swings within the last ticks; None if it does not."""
    values = history.latest(name, window)
    if not values:
        return None
    swinging = detrended(values)
    half = window // 2
    variance = _mean_square(swinging)
    everything = history.recorded(name)
    # A sine swings over twice the square root of twice its variance.
    if 2 * math.sqrt(2 * variance) < LEAST_SWING * (max(everything) - min(everything)):
        return None
    if _mean_square(swinging[half:]) < LASTING_SHARE * _mean_square(swinging[:half]):
        return None
    cycles, share = strongest_period(swinging)
    return cycles if share >= PERIOD_SHARE else None


def detrended(values: Sequence[float]) -> list[float]:
    """Return values without the straight line that fits them best."""
    middle = (len(values) - 1) / 2
    mean = fmean(values)
    products = [(index - middle) * (value - mean) for index, value in enumerate(values)]
    slope = math.fsum(products) / math.fsum((index - middle) ** 2 for index in range(len(values)))
    return [value - mean - slope * (index - middle) for index, value in enumerate(values)]


def _mean_square(values: Sequence[float]) -> float:
    return math.fsum(value * value for value in values) / len(values)


def strongest_period(values: Sequence[float]) -> tuple[int, float]:
    """Return how often the strongest period fits into a series, and its share of the variance.

    The share is that of three neighboring frequencies, because a period seldom fits exactly. It is
    zero where the strongest period is too long or too short to count.

    Args:
        values: A series whose mean is zero.
    """
    count = len(values)
    variance = _mean_square(values)
    if not variance:
        return LEAST_PERIODS, 0.0
    shares = {
        cycles: 2
        * (sum(map(mul, values, wave)) ** 2 + sum(map(mul, values, shifted)) ** 2)
        / (count**2 * variance)
        for cycles, (wave, shifted) in _waves(count).items()
    }
    strongest = max(shares, key=shares.__getitem__)
    neighbors = [shares.get(strongest + step) for step in (-1, 0, 1)]
    present = [share for share in neighbors if share is not None]
    return strongest, math.fsum(present) if len(present) == len(neighbors) else 0.0


@lru_cache(maxsize=len(OSCILLATION_WINDOWS))
def _waves(count: int) -> dict[int, tuple[list[float], list[float]]]:
    """Return a cosine and a sine over ``count`` ticks, by how often they fit.

    Next to the frequencies that count there is one more on either side.
    """
    waves = {}
    for cycles in range(LEAST_PERIODS - 1, count // LEAST_PERIOD_TICKS + 2):
        angles = [2 * math.pi * cycles * index / count for index in range(count)]
        waves[cycles] = list(map(math.cos, angles)), list(map(math.sin, angles))
    return waves


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
