# SPDX-License-Identifier: MIT
"""Stability as a figure of its own: how often runs go wrong, and at how many settings they do well.

A trick that works at one learning rate is not a stabilization trick: where the runs have several
settings, a performance profile counts all of a trick's runs, over settings and seeds.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import variance

import altair as alt

from ganbench.analysis.comparison import PLAIN
from ganbench.analysis.stats import Estimate, performance_profile, wilson_interval
from ganbench.analysis.tables import MetricColumn, MetricTable, VariantRow
from ganbench.records.measurement import Better
from ganbench.records.run_folder import FAILURES
from ganbench.report.charts.chart_rows import rounded
from ganbench.report.charts.panels import BEHIND, Panel, Rows, layered
from ganbench.report.charts.style import Style

_MOST_POINTS = 60
_WRONG = ("diverged", "collapsed", *FAILURES)


@dataclass(frozen=True)
class StabilityRow:
    """How the runs of a model with some tricks ended, over ``settings`` and seeds.

    ``share`` is that of the runs that diverged, collapsed or failed. ``deviation`` is the
    standard deviation of the main metric over seeds, pooled within settings, from ``values``
    values; ``worst`` the worst of them.
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
class Profile:
    """A model's performance profile over ``settings``, a panel for each set of tricks."""

    model: str
    settings: tuple[str, ...]
    panels: tuple[Panel, ...]


def stability_rows(table: MetricTable, main: MetricColumn | None) -> list[StabilityRow]:
    """Return a row for each model and set of tricks that has runs which are over."""
    sets = _by_tricks(table)
    models = {model for model, _ in sets}
    found = []
    for (model, tricks), rows in sets.items():
        over = [run for row in rows for run in row.runs if run.counted or run.status in FAILURES]
        if not over:
            continue
        wrong = {status: sum(run.status == status for run in over) for status in _WRONG}
        strata = [_values(row, main) for row in rows]
        every = [value for stratum in strata for value in stratum]
        worst = max if main is not None and main.better == "lower" else min
        whole = f"{model} + {tricks}" if tricks else model
        found.append(
            StabilityRow(
                name=whole if len(models) > 1 or len(sets) == 1 else tricks or PLAIN,
                variant=rows[0].variant,
                settings=len(rows),
                runs=len(over),
                statuses={status: count for status, count in wrong.items() if count},
                share=wilson_interval(sum(wrong.values()), len(over)),
                deviation=_pooled_deviation(strata),
                worst=worst(every, default=None),
                values=len(every),
            )
        )
    return found


def profiles(
    table: MetricTable,
    main: MetricColumn,
    name: str,
    drawn: Mapping[str, Style],
    data: dict[str, Rows],
) -> list[Profile]:
    """Return a profile for each model that has several settings, over those that all tricks have.

    What the panels draw is put into ``data``.
    """
    by_model: dict[str, dict[str, list[VariantRow]]] = {}
    for (model, tricks), rows in _by_tricks(table).items():
        by_model.setdefault(model, {})[tricks] = rows
    found: list[Profile] = []
    for model, sets in by_model.items():
        common = set.intersection(*({row.setting for row in rows} for rows in sets.values()))
        settings = [row.setting for row in next(iter(sets.values())) if row.setting in common]
        if len(settings) < 2:
            continue
        strata = {
            tricks: [_outcomes(row, main) for row in rows if row.setting in common]
            for tricks, rows in sets.items()
        }
        key = f"{name}-profile-{len(found)}"
        grid, log = _thresholds(strata)
        if not grid:
            continue
        data[key] = _profile_rows(strata, grid, main)
        panels = [
            _panel(key, tricks, drawn[sets[tricks][0].variant], main, log=log)
            for tricks in strata
            if tricks or len(strata) == 1
        ]
        found.append(Profile(model, tuple(settings), tuple(panels)))
    return found


def _by_tricks(table: MetricTable) -> dict[tuple[str, str], list[VariantRow]]:
    """Return the rows by model and set of tricks; what no label tells apart stays for itself."""
    sets: dict[tuple[str, str], list[VariantRow]] = {}
    for row in table.rows:
        told = row.tricks or row.setting or row.variant == row.model
        sets.setdefault((row.model if told else row.variant, row.tricks), []).append(row)
    return sets


def _values(row: VariantRow, column: MetricColumn | None) -> list[float]:
    cell = row.cells.get(column.name) if column else None
    return [one.value for one in cell.values] if cell else []


def _outcomes(row: VariantRow, column: MetricColumn) -> list[float | None]:
    """Return the value of each run that is over; None of one that has none."""
    cell = row.cells.get(column.name)
    values = {one.run: one.value for one in cell.values} if cell else {}
    over = [run for run in row.runs if run.counted or run.status in FAILURES]
    return [values.get(run.name) for run in over]


def _pooled_deviation(strata: Sequence[Sequence[float]]) -> float | None:
    """Return the standard deviation within strata; None where none has two values."""
    several = [stratum for stratum in strata if len(stratum) > 1]
    freedom = sum(len(stratum) - 1 for stratum in several)
    if not freedom:
        return None
    return math.sqrt(sum((len(one) - 1) * variance(one) for one in several) / freedom)


def _thresholds(strata: Mapping[str, Sequence[Sequence[float | None]]]) -> tuple[list[float], bool]:
    """Return the thresholds from the best to the worst value, and whether an axis in logs serves.

    A profile steps where a run's value is; of many values a grid is enough.
    """
    values = sorted(
        {value for rows in strata.values() for row in rows for value in row if value is not None}
    )
    if not values:
        return [], False
    low, high = values[0], values[-1]
    log = low > 0 and high > 20 * low
    if len(values) <= _MOST_POINTS:
        return values, log
    steps = [index / (_MOST_POINTS - 1) for index in range(1, _MOST_POINTS - 1)]
    inner = [low * (high / low) ** step if log else low + (high - low) * step for step in steps]
    return [low, *inner, high], log


def _profile_rows(
    strata: Mapping[str, Sequence[Sequence[float | None]]],
    grid: Sequence[float],
    main: MetricColumn,
) -> Rows:
    better: Better = "lower" if main.better == "lower" else "higher"
    rows: Rows = []
    for tricks, outcomes in strata.items():
        profile = performance_profile(outcomes, grid, better=better)
        rows += [
            {
                "tricks": tricks or PLAIN,
                "tau": rounded(tau),
                "share": rounded(point.value),
                "low": rounded(point.low or 0.0),
                "high": rounded(point.high or 0.0),
                "n": point.n,
            }
            for tau, point in zip(grid, profile, strict=True)
        ]
    return rows


def _panel(data: str, tricks: str, style: Style, main: MetricColumn, *, log: bool) -> Panel:
    """Return a profile with its band, the one without tricks in gray behind."""
    x = alt.X(
        "tau:Q",
        title=None,
        scale=alt.Scale(type="log" if log else "linear", nice=False, zero=False),
        axis=alt.Axis(grid=False, tickCount=4),
    )
    y = alt.Y(
        "share:Q",
        title=None,
        scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(format="%", values=[0, 0.5, 1]),
    )
    tips = [
        alt.Tooltip("tricks:N"),
        alt.Tooltip("tau:Q", title=f"{main.metric} at least as good as", format=".4~g"),
        alt.Tooltip("share:Q", format=".0%"),
        alt.Tooltip("low:Q", format=".0%"),
        alt.Tooltip("high:Q", format=".0%"),
        alt.Tooltip("n:Q", title="runs"),
    ]
    layers: list[alt.Chart] = []
    for name, ink in ((PLAIN, BEHIND), (tricks or PLAIN, style.color)):
        # A JSON string is also a string in a Vega expression, whatever the name holds.
        own = alt.Chart().transform_filter(f"datum.tricks === {json.dumps(name)}")
        low = y.copy()
        low.shorthand = "low:Q"
        layers += [
            own.mark_area(opacity=0.14, strokeWidth=0, interpolate="step-after").encode(
                x=x, y=low, y2="high:Q", color=alt.value(ink)
            ),
            own.mark_line(strokeWidth=2.2, interpolate="step-after").encode(
                x=x, y=y, color=alt.value(ink), tooltip=tips
            ),
        ]
    return layered(layers[2:] if not tricks else layers, data, tricks or PLAIN, 120)
