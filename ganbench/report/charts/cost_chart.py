# SPDX-License-Identifier: MIT
"""The charts of quality against cost: what a better mean takes in time and in parameters."""

from __future__ import annotations

from collections.abc import Mapping

import altair as alt

from ganbench.analysis.tables import MetricColumn, MetricTable, VariantRow, heading
from ganbench.report.charts.axes import (
    clip_bands,
    curve_domain,
    log_ticks,
    log_ticks_within,
    rounded,
)
from ganbench.report.charts.panels import (
    ChartData,
    Panel,
    Rows,
    color_encodings,
    layered,
    shape_encoding,
)
from ganbench.report.charts.style import Style

COSTS = {"seconds": "seconds of training", "parameters": "parameters of both networks"}


def cost_panels(
    table: MetricTable, main: MetricColumn | None, name: str, variant_styles: Mapping[str, Style]
) -> list[Panel]:
    """Return the main metric against seconds and against parameters, a panel for each.

    A line joins the variants that no other one beats in both: the Pareto front of the means.

    Args:
        table: The values.
        main: The main metric; one that has no better direction has no front, and no panel.
        name: What the names of the charts' data begin with.
        variant_styles: The variants that are drawn, and how.

    Returns:
        The panels; a cost that fewer than two variants have, or that all share, has none.
    """
    if main is None or not main.better:
        return []
    panels = []
    for cost, title in COSTS.items():
        rows = cost_rows(table, main, cost, variant_styles)
        if len({row["cost"] for row in rows}) > 1:
            data = ChartData(f"{name}-cost-{cost}", _with_bars(rows))
            panels.append(_panel(data, main, title, variant_styles))
    return panels


def cost_rows(
    table: MetricTable, main: MetricColumn, cost: str, variants: Mapping[str, object]
) -> Rows:
    """Return a row for each variant that has both: its cost, mean and interval.

    Those of the variants on the Pareto front have ``front``. A cost of zero, such as seconds that
    were rounded away, has no place on a logarithmic axis.
    """
    rows: Rows = []
    for variant in table.rows:
        cell = variant.cells.get(main.name)
        spent = _cost(variant, cost)
        if cell is None or not spent or variant.variant not in variants:
            continue
        estimate = cell.estimate
        values = {"cost": rounded(spent), "mean": rounded(estimate.value)}
        if estimate.low is not None and estimate.high is not None:
            values |= {"low": rounded(estimate.low), "high": rounded(estimate.high)}
        rows.append({"variant": variant.variant, **values})
    best: float | None = None
    sign = 1 if main.better == "lower" else -1
    for row in sorted(rows, key=lambda row: (row["cost"], sign * row["mean"])):
        if best is None or sign * row["mean"] < best:
            best = sign * row["mean"]
            row["front"] = True
    return rows


def _with_bars(rows: Rows) -> Rows:
    """Return rows with the ends of their bars, which end where a logarithmic axis ends."""
    drawn = [
        {**row, **{f"mean_{end}": row[end] for end in ("low", "high") if end in row}}
        for row in rows
    ]
    if not log_ticks(rows, "mean"):
        return drawn
    return clip_bands(drawn, "mean", curve_domain(rows, "mean", log=True))


def _cost(row: VariantRow, cost: str) -> float | None:
    """Return the mean seconds of a variant, or the parameters of its two networks together."""
    if cost == "seconds":
        return row.seconds.value if row.seconds else None
    return next((float(sum(run.parameters.values())) for run in row.runs if run.parameters), None)


def _panel(
    data: ChartData, main: MetricColumn, title: str, variant_styles: Mapping[str, Style]
) -> Panel:
    measured = {row["variant"] for row in data.rows}
    shown = {variant: style for variant, style in variant_styles.items() if variant in measured}
    costs = [row["cost"] for row in data.rows]
    low, high = rounded(min(costs) / 1.2), rounded(max(costs) * 1.2)
    across = alt.Axis(
        values=log_ticks_within(low, high), format="~s", labelOverlap=True, grid=False
    )
    x = alt.X(
        "cost:Q",
        title=title,
        axis=across,
        scale=alt.Scale(type="log", domain=[low, high], nice=False),
    )
    ticks = log_ticks(data.rows, "mean")
    scale = (
        alt.Scale(type="log", domain=list(curve_domain(data.rows, "mean", log=True)), nice=False)
        if ticks
        else alt.Scale(zero=False, padding=12)
    )
    up = alt.Axis(values=ticks, labelOverlap=True) if ticks else alt.Axis(tickCount=5)

    def y(field: str) -> alt.Y:
        return alt.Y(f"{field}:Q", title=None, scale=scale, axis=up)

    color = color_encodings(shown, legend=None)["color"]
    tips = [
        alt.Tooltip("variant:N"),
        *(alt.Tooltip(f"{key}:Q", format=",.5~g") for key in ("cost", "mean", "low", "high")),
    ]
    base = alt.Chart()
    front = base.mark_line(interpolate="step-after", strokeWidth=1, opacity=0.6)
    span = base.mark_rule(strokeWidth=3, opacity=0.3, strokeCap="round")
    dot = base.mark_point(size=70, filled=True, opacity=1)
    layers = [
        front.encode(x=x, y=y("mean"), color=alt.value("#8C8C8C")).transform_filter("datum.front"),
        span.encode(x=x, y=y("mean_low"), y2="mean_high:Q", color=color, tooltip=tips),
        dot.encode(x=x, y=y("mean"), color=color, shape=shape_encoding(shown), tooltip=tips),
    ]
    return layered(layers, data, heading(main), 230)
