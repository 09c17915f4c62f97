# SPDX-License-Identifier: MIT
"""The chart of final values: every seed a dot, the mean a diamond, its interval a bar."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt

from ganbench.analysis.tables import MetricColumn, MetricTable, heading
from ganbench.report.charts.axes import NAME_WIDTH, floor_in_sight, names_in_short, rounded
from ganbench.report.charts.chart_rows import seed_text
from ganbench.report.charts.panels import (
    ChartData,
    Panel,
    Rows,
    color_encodings,
    floor_rule,
    layered,
)
from ganbench.report.charts.style import Style


def dot_rows(table: MetricTable, column: MetricColumn) -> Rows:
    """Return a row per seed (variant, seed, value) and per variant (mean, low, high)."""
    rows: Rows = []
    for row in table.rows:
        cell = row.cells.get(column.name)
        if cell is None:
            continue
        rows += [
            {
                "variant": row.variant,
                "seed": seed_text(seed_value.seed),
                "value": rounded(seed_value.value),
            }
            for seed_value in cell.values
        ]
        mean: dict[str, Any] = {"variant": row.variant, "mean": rounded(cell.estimate.value)}
        if cell.estimate.low is not None and cell.estimate.high is not None:
            mean |= {"low": rounded(cell.estimate.low), "high": rounded(cell.estimate.high)}
        rows.append(mean)
    return rows


def dots_panels(table: MetricTable, name: str, variant_styles: Mapping[str, Style]) -> list[Panel]:
    """Return a panel for each metric, with the floor where it lies near the values.

    Args:
        table: The values.
        name: What the names of the charts' data begin with.
        variant_styles: The variants that are drawn, and how.
    """
    panels = []
    for index, column in enumerate(table.columns):
        rows = [row for row in dot_rows(table, column) if row["variant"] in variant_styles]
        if not rows:
            continue
        floor = table.floors.get(column.name)
        if floor is not None and not floor_in_sight(rows, ("value", "low", "high"), floor):
            floor = None
        measured = {row["variant"] for row in rows}
        shown = {name: style for name, style in variant_styles.items() if name in measured}
        data = ChartData(f"{name}-dots-{index}", rows)
        panels.append(_dots_panel(data, heading(column), shown, floor))
    return panels


def _dots_panel(
    data: ChartData, title: str, variant_styles: Mapping[str, Style], floor: float | None
) -> Panel:
    """Return the panel of one metric from ``dot_rows``; the floor is a dashed line."""
    base = alt.Chart()
    names = list(variant_styles)
    names_axis = alt.Axis(grid=False, labelLimit=NAME_WIDTH, labelExpr=names_in_short(names))
    y = alt.Y("variant:N", sort=names, title=None, axis=names_axis)
    scale = alt.Scale(zero=False, padding=12)
    color = {"color": color_encodings(variant_styles, legend=None)["color"]}
    tips = [alt.Tooltip("variant:N"), alt.Tooltip("seed:N"), alt.Tooltip("value:Q", format=".5~g")]
    span = [
        alt.Tooltip("variant:N"),
        *(alt.Tooltip(f"{name}:Q", format=".5~g") for name in ("mean", "low", "high")),
    ]
    layers = [
        base.mark_rule(strokeWidth=4, opacity=0.35, strokeCap="round").encode(
            x=alt.X("low:Q", scale=scale, title=None), x2="high:Q", y=y, tooltip=span, **color
        ),
        base.mark_point(shape="circle", size=40, strokeWidth=1.4, opacity=0.9).encode(
            x=alt.X("value:Q", scale=scale, title=None), y=y, tooltip=tips, **color
        ),
        base.mark_point(shape="diamond", size=110, filled=True, opacity=1).encode(
            x=alt.X("mean:Q", scale=scale, title=None), y=y, tooltip=span, **color
        ),
    ]
    if floor is not None:
        layers.append(floor_rule("x", floor))
    return layered(layers, data, title, 30 * len(variant_styles) + 10)
