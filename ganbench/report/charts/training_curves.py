# SPDX-License-Identifier: MIT
"""Metrics in the course of training: all variants in one chart, or one small chart for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ganbench.analysis.tables import MetricColumn, MetricTable, heading
from ganbench.report.charts.chart_rows import (
    clip_bands,
    curve_domain,
    floor_in_sight,
    log_ticks,
    metric_rows,
)
from ganbench.report.charts.panels import Panel, Rows, curve_panel, multiple_panel
from ganbench.report.charts.style import OKABE_ITO, Style

MOST_TOGETHER = 5
"""So many variants can be told apart in one chart; more get a panel each."""


@dataclass(frozen=True)
class Course:
    """One metric along training.

    ``together`` is whether its two panels, against kimg and against seconds, hold all variants;
    otherwise there is a panel for each variant, with the baseline behind.
    """

    title: str
    panels: tuple[Panel, ...]
    together: bool


def courses(
    table: MetricTable,
    name: str,
    drawn: Mapping[str, Style],
    baselines: Mapping[str, str],
    main: MetricColumn | None,
    data: dict[str, Rows],
    *,
    whole: bool = True,
) -> list[Course]:
    """Return the courses of all metrics that were measured along the way, the main one first.

    ``baselines`` names the baseline of each treatment. Of many runs, not ``whole``, there is the
    main metric alone. What the panels draw is put into ``data``.
    """
    columns = sorted(table.columns, key=lambda column: column != main)
    if not whole:
        columns = columns[:1]
    fields = {f"m{index}": column for index, column in enumerate(columns)}
    key = f"{name}-curves"
    rows = metric_rows(table, fields)
    data[key] = rows
    there = {row["variant"] for row in rows}
    shown = {variant: style for variant, style in drawn.items() if variant in there}
    found = []
    for field, column in fields.items():
        # One measurement is a result, not a course: there is nothing to draw.
        if len({row["kimg"] for row in rows if field in row}) < 2:
            continue
        ticks = log_ticks(rows, field) if column.better == "lower" else []
        domain = curve_domain(rows, field, log=bool(ticks))
        clip_bands(rows, field, domain)
        title = heading(column) + (", logarithmic" if ticks else "")
        if len(shown) > MOST_TOGETHER:
            panels = _apart(key, field, shown, baselines, ticks, domain)
            found.append(Course(title, tuple(panels), together=False))
            continue
        floor = table.floors.get(column.name)
        if floor is not None and not floor_in_sight(rows, (field,), floor, log=bool(ticks)):
            floor = None
        if floor is not None:
            domain = min(domain[0], floor * 0.9), max(domain[1], floor * 1.1)
        both = [
            curve_panel(
                key,
                field,
                title,
                axis,
                shown,
                ticks=ticks,
                floor=floor,
                legend=axis == "kimg",
                domain=domain,
            )
            for axis in ("kimg", "seconds")
        ]
        found.append(Course(title, tuple(both), together=True))
    return found


def _apart(
    key: str,
    field: str,
    shown: Mapping[str, Style],
    baselines: Mapping[str, str],
    ticks: Sequence[float],
    domain: tuple[float, float],
) -> list[Panel]:
    """Return a panel for each variant, all in one color: they are told apart by their titles."""
    return [
        multiple_panel(
            key,
            field,
            variant,
            baselines.get(variant),
            color=OKABE_ITO[0],
            ticks=ticks,
            domain=domain,
            title=variant,
        )
        for variant in shown
    ]
