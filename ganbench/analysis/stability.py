# SPDX-License-Identifier: MIT
"""How often runs go wrong and how much their values vary, and how good they are over settings.

A trick that works at one learning rate only does not stabilize training. Where the runs cover
several settings, a performance profile counts all runs of a trick, over settings and seeds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import variance

from ganbench.analysis.comparison import PLAIN
from ganbench.analysis.stats import Estimate, exact_interval, performance_profile
from ganbench.analysis.tables import MetricColumn, MetricTable, VariantRow
from ganbench.records.measurement import Better
from ganbench.records.run_folder import FAILURES

MOST_THRESHOLDS = 60
"""A profile of more values than this is evaluated on a grid with this many thresholds."""

_WRONG = ("diverged", "collapsed", *FAILURES)

Strata = list[list[float | None]]
"""The outcomes of runs, one list per setting; None is a run without a value."""


@dataclass(frozen=True)
class StabilityRow:
    """How the runs of a model with one set of tricks ended, over ``settings`` and seeds.

    ``share`` is the share of the runs that diverged, collapsed or failed. ``deviation`` is the
    standard deviation of the main metric over seeds, pooled within settings, from ``values``
    values; ``worst`` is the worst of those values.
    """

    name: str
    variant: str
    settings: int
    runs: int
    statuses: Mapping[str, int]
    share: Estimate
    deviation: float | None
    worst: float | None
    values: int


@dataclass(frozen=True)
class ProfileCurve:
    """The profile of one set of ``tricks``: a share of runs for each threshold of the profile.

    ``tricks`` is empty for the runs without tricks.
    """

    tricks: str
    shares: tuple[Estimate, ...]

    @property
    def name(self) -> str:
        """The set of tricks, or the word for none."""
        return self.tricks or PLAIN


@dataclass(frozen=True)
class Profile:
    """A model's performance profile over the ``settings`` that all its sets of tricks share.

    ``thresholds`` run from the smallest value to the largest. ``logarithmic`` tells whether a
    logarithmic axis serves them better.
    """

    model: str
    settings: tuple[str, ...]
    thresholds: tuple[float, ...]
    logarithmic: bool
    curves: tuple[ProfileCurve, ...]


def stability_rows(table: MetricTable, main: MetricColumn | None) -> list[StabilityRow]:
    """Return a row for each model and set of tricks of which a run has ended."""
    sets = _by_tricks(table)
    models = {model for model, _ in sets}
    stability = []
    for (model, tricks), rows in sets.items():
        ended = [run for row in rows for run in row.runs if run.counted or run.status in FAILURES]
        if not ended:
            continue
        wrong = {status: sum(run.status == status for run in ended) for status in _WRONG}
        strata = [_values(row, main) for row in rows]
        values = [value for stratum in strata for value in stratum]
        worst = max if main is not None and main.better == "lower" else min
        full_name = f"{model} + {tricks}" if tricks else model
        stability.append(
            StabilityRow(
                name=full_name if len(models) > 1 or len(sets) == 1 else tricks or PLAIN,
                variant=rows[0].variant,
                settings=len(rows),
                runs=len(ended),
                statuses={status: count for status, count in wrong.items() if count},
                share=exact_interval(sum(wrong.values()), len(ended)),
                deviation=pooled_deviation(strata),
                worst=worst(values, default=None),
                values=len(values),
            )
        )
    return stability


def profiles(table: MetricTable, main: MetricColumn) -> list[Profile]:
    """Return a profile for each model that has several settings, over those that all tricks have.

    The band of a profile is a 95 % bootstrap interval (see ``performance_profile``).
    """
    by_model: dict[str, dict[str, list[VariantRow]]] = {}
    for (model, tricks), rows in _by_tricks(table).items():
        by_model.setdefault(model, {})[tricks] = rows
    made = (_profile(model, sets, main) for model, sets in by_model.items())
    return [profile for profile in made if profile is not None]


def _profile(
    model: str, sets: Mapping[str, Sequence[VariantRow]], main: MetricColumn
) -> Profile | None:
    """Return the profile of one model; None with fewer than two shared settings, or no value."""
    common = set.intersection(*({row.setting for row in rows} for rows in sets.values()))
    settings = [row.setting for row in next(iter(sets.values())) if row.setting in common]
    if len(settings) < 2:
        return None
    strata = {
        tricks: [_outcomes(row, main) for row in rows if row.setting in common]
        for tricks, rows in sets.items()
    }
    thresholds, logarithmic = _thresholds(strata)
    if not thresholds:
        return None
    better: Better = "lower" if main.better == "lower" else "higher"
    curves = tuple(
        ProfileCurve(tricks, tuple(performance_profile(outcomes, thresholds, better=better)))
        for tricks, outcomes in strata.items()
    )
    return Profile(model, tuple(settings), tuple(thresholds), logarithmic, curves)


def _by_tricks(table: MetricTable) -> dict[tuple[str, str], list[VariantRow]]:
    """Return the rows by model and set of tricks.

    A row whose label no trick and no setting explains forms a set of its own.
    """
    sets: dict[tuple[str, str], list[VariantRow]] = {}
    for row in table.rows:
        explained = row.tricks or row.setting or row.variant == row.model
        sets.setdefault((row.model if explained else row.variant, row.tricks), []).append(row)
    return sets


def _values(row: VariantRow, column: MetricColumn | None) -> list[float]:
    cell = row.cells.get(column.name) if column else None
    return [seed_value.value for seed_value in cell.values] if cell else []


def _outcomes(row: VariantRow, column: MetricColumn) -> list[float | None]:
    """Return the value of each run that has ended; None for a run without a value."""
    cell = row.cells.get(column.name)
    values = {seed_value.run: seed_value.value for seed_value in cell.values} if cell else {}
    ended = [run for run in row.runs if run.counted or run.status in FAILURES]
    return [values.get(run.name) for run in ended]


def pooled_deviation(strata: Sequence[Sequence[float]]) -> float | None:
    """Return the standard deviation within strata; None where no stratum has two values.

    >>> pooled_deviation([[1.0, 3.0], [10.0, 12.0], [7.0]]) == 2**0.5
    True
    """
    several = [stratum for stratum in strata if len(stratum) > 1]
    freedom = sum(len(stratum) - 1 for stratum in several)
    if not freedom:
        return None
    return math.sqrt(sum((len(stratum) - 1) * variance(stratum) for stratum in several) / freedom)


def _thresholds(strata: Mapping[str, Strata]) -> tuple[list[float], bool]:
    """Return the thresholds, and whether a logarithmic axis serves them.

    A profile steps at the value of each run; for many values a grid is enough.
    """
    values = sorted(
        {value for rows in strata.values() for row in rows for value in row if value is not None}
    )
    if not values:
        return [], False
    low, high = values[0], values[-1]
    logarithmic = low > 0 and high > 20 * low
    if len(values) <= MOST_THRESHOLDS:
        return values, logarithmic
    steps = [index / (MOST_THRESHOLDS - 1) for index in range(1, MOST_THRESHOLDS - 1)]
    inner = [
        low * (high / low) ** step if logarithmic else low + (high - low) * step for step in steps
    ]
    return [low, *inner, high], logarithmic
