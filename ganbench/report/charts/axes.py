# SPDX-License-Identifier: MIT
"""What the axes of charts show: their ends, their ticks, and whether a floor is in sight."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ganbench.analysis.comparison import PLAIN
from ganbench.report.charts.panels import Rows

_DIGITS = 5
_LONG_NAME = 26
"""The letters of a name that an axis has room for."""

NAME_WIDTH = 190
"""The pixels that the axis of a chart gives to the names of variants."""


def rounded(value: float) -> float:
    """Round to the digits that a chart can show."""
    return float(f"{value:.{_DIGITS}g}")


def curve_domain(
    rows: Iterable[Mapping[str, Any]], field: str, *, log: bool
) -> tuple[float, float]:
    """Return the ends of an axis that shows every seed and mean; bands may reach beyond it."""
    values: list[float] = [row[field] for row in rows if field in row]
    low, high = min(values), max(values)
    if log:
        return rounded(low / 1.15), rounded(high * 1.15)
    margin = 0.05 * (high - low) or abs(high) * 0.05 or 1.0
    return rounded(low - margin), rounded(high + margin)


def clip_bands(rows: Rows, field: str, domain: tuple[float, float]) -> Rows:
    """Return rows whose bands end at the ends of an axis: a logarithmic axis has no zero.

    A band that goes on beyond an end keeps the true number there: FIELD_below or FIELD_above.
    """

    def clipped(row: Mapping[str, Any]) -> dict[str, Any]:
        ends = {end: row[end] for end in (f"{field}_low", f"{field}_high") if end in row}
        shown = {end: rounded(min(max(at, domain[0]), domain[1])) for end, at in ends.items()}
        below, above = min(ends.values(), default=domain[0]), max(ends.values(), default=domain[1])
        beyond = {f"{field}_below": below} if below < domain[0] else {}
        beyond |= {f"{field}_above": above} if above > domain[1] else {}
        return {**row, **shown, **beyond}

    return [clipped(row) for row in rows]


def log_ticks(rows: Iterable[Mapping[str, Any]], field: str) -> list[float]:
    """Return ticks for a logarithmic axis where such an axis serves better, otherwise none.

    It does where all values are above zero and the largest is more than 50 times the smallest.
    """
    values: list[float] = [row[field] for row in rows if field in row]
    if not values or min(values) <= 0 or max(values) <= 50 * min(values):
        return []
    first, last = (math.floor(math.log10(value)) for value in (min(values), max(values)))
    steps = (1, 2, 5) if last - first < 2 else (1, 3) if last - first < 4 else (1,)
    return [float(f"{step}e{power}") for power in range(first, last + 2) for step in steps]


def log_ticks_within(low: float, high: float) -> list[float]:
    """Return round numbers between two bounds, at least four where there are that many.

    >>> log_ticks_within(40, 1500)
    [50.0, 100.0, 200.0, 500.0, 1000.0]
    """
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    within: list[float] = []
    for steps in ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 5, 7), range(1, 10)):
        ticks = [float(f"{step}e{power}") for power in powers for step in steps]
        within = [tick for tick in ticks if low <= tick <= high]
        if len(within) >= 4:
            break
    return within


def symlog_ticks(constant: float, low: float, high: float) -> list[float]:
    """Return ticks of a symlog axis: zero, and powers of ten on both sides.

    Args:
        constant: About how far from zero the axis is linear; nearer there are no ticks.
        low: The left end.
        high: The right end.

    >>> symlog_ticks(2.0, -30, 4000)
    [-10.0, 0.0, 10.0, 100.0, 1000.0]
    """
    first = math.ceil(math.log10(constant))
    last = math.floor(math.log10(max(abs(low), abs(high))))
    powers = [float(f"1e{power}") for power in range(first, last + 1)]
    ticks = [*(-power for power in reversed(powers)), 0.0, *powers]
    return [tick for tick in ticks if low <= tick <= high]


def floor_in_sight(
    rows: Iterable[Mapping[str, Any]], fields: Iterable[str], floor: float, *, log: bool = False
) -> bool:
    """Tell whether a floor is so near to the values that showing it does not flatten them.

    On a logarithmic axis it may be a factor of three away at most.
    """
    names = list(fields)
    values: list[float] = [row[name] for row in rows for name in names if name in row]
    if not values:
        return False
    low, high = min(values), max(values)
    if log:
        return low / 3 <= floor <= high * 3
    reach = high - low or abs(high) or 1.0
    return low - reach <= floor <= high + reach


def names_in_short(names: Sequence[str]) -> str:
    """Return the Vega expression of names without what all share, so that each has room.

    That is what all begin with, and, if it is still too long for an axis, a model that all tricks
    are added to and the names of settings that all set.

    >>> names_in_short(["nsgan, kimg=20, width=8", "nsgan, kimg=20, width=16"])
    '{"nsgan, kimg=20, width=8": "width=8", "nsgan, kimg=20, width=16": "width=16"}[datum.label]'
    """
    parts = [name.split(", ") for name in names]
    shared = 0
    while len(names) > 1 and all(
        len(own) > shared + 1 and own[shared] == parts[0][shared] for own in parts
    ):
        shared += 1
    own_parts = [own[shared:] for own in parts]
    if max((len(", ".join(own)) for own in own_parts), default=0) > _LONG_NAME:
        own_parts = _without_model(_values_alone(own_parts))
    return labels({name: ", ".join(own) for name, own in zip(names, own_parts, strict=True)})


def labels(shown: Mapping[str, str]) -> str:
    """Return the Vega expression that shows other words for the values of an axis."""
    # A JSON object is also an object in a Vega expression, whatever the names hold.
    return f"{json.dumps(shown)}[datum.label]"


def _values_alone(names: list[list[str]]) -> list[list[str]]:
    """Return the parts of names without the keys of settings, where all set the same."""
    keys = {tuple(part.partition("=")[0] for part in parts[1:]) for parts in names}
    if len(keys) > 1:
        return names
    return [[parts[0], *(part.partition("=")[2] or part for part in parts[1:])] for parts in names]


def _without_model(names: list[list[str]]) -> list[list[str]]:
    """Return the parts of names without the model, where tricks are added to the same in all."""
    split = [parts[0].partition(" + ") for parts in names]
    if len({model for model, _, _ in split}) > 1 or not any(tricks for _, _, tricks in split):
        return names
    return [
        [tricks or PLAIN, *parts[1:]] for (_, _, tricks), parts in zip(split, names, strict=True)
    ]
