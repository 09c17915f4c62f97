# SPDX-License-Identifier: MIT
"""What measurements of speed come to: spreads over rounds, overlaps, shares of an iteration."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ganbench.analysis.stats import Estimate
from ganbench.records.speed_record import Rate, SpeedCase

Activity = Literal["training", "sampling"]


@dataclass(frozen=True)
class PartTime:
    """What one part of an iteration takes: milliseconds, and its share of the iteration."""

    part: str
    milliseconds: float
    share: float


def rate_of(case: SpeedCase, activity: Activity) -> Rate | None:
    """Return how fast a case trains or samples; None where that was not measured."""
    return case.training if activity == "training" else case.sampling


def images_per_second(case: SpeedCase, activity: Activity) -> float:
    """Return the median speed of a case; zero where there is none."""
    rate = rate_of(case, activity)
    return (rate.images_per_second or 0.0) if rate else 0.0


def rate_spread(rate: Rate | None) -> Estimate | None:
    """Return the median of the rounds, from the slowest to the fastest round if there are several.

    The spread tells how steady the machine was. It is no confidence interval.
    """
    if rate is None or rate.images_per_second is None:
        return None
    several = len(rate.rounds) > 1
    low, high = (min(rate.rounds), max(rate.rounds)) if several else (None, None)
    return Estimate(rate.images_per_second, low, high, len(rate.rounds), "median of rounds")


def rounds_overlap(faster: Rate | None, slower: Rate | None) -> bool:
    """Tell whether the fastest round of the slower case reaches the slowest of the faster one."""
    if not faster or not slower or not faster.rounds or not slower.rounds:
        return False
    return max(slower.rounds) >= min(faster.rounds)


def products_share_of_ceiling(case: SpeedCase) -> float | None:
    """Return at which share of the machine's ceiling the matrix products alone run.

    It is the case's share of the ceiling divided by the share of its time that goes to matrix
    products and convolutions; None where either is unknown.
    """
    products = (case.profile or {}).get("products")
    if not products or case.share_of_ceiling is None:
        return None
    return case.share_of_ceiling / products


def part_times(case: SpeedCase, parts: Sequence[str]) -> list[PartTime]:
    """Return what each of ``parts`` takes of one iteration, in their order.

    A part that takes no time is left out, and so is every part of a case that has no split.
    """
    milliseconds = {part: (case.split_ms or {}).get(part) or 0.0 for part in parts}
    whole = math.fsum(milliseconds.values())
    return [PartTime(part, spent, spent / whole) for part, spent in milliseconds.items() if spent]


def iteration_milliseconds(times: Sequence[PartTime]) -> float:
    """Return how long an iteration takes in all."""
    return math.fsum(time.milliseconds for time in times)
