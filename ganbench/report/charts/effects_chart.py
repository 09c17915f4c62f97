# SPDX-License-Identifier: MIT
"""The chart of effects: what each treatment changes, seed by seed, compared with its baseline."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from ganbench.analysis import number_text
from ganbench.analysis.outliers import largest_usual
from ganbench.analysis.tables import heading
from ganbench.analysis.verdicts import WORDS, Verdict, VerdictKind
from ganbench.report.charts.axes import rounded
from ganbench.report.charts.panels import ChartData, Panel, Rows, layered

_COLORS: Mapping[VerdictKind, str] = {
    "helps": "#009E73",
    "hurts": "#D55E00",
    "fails": "#CC79A7",
    "unclear": "#8C8C8C",
}
"""The color of a verdict; its word always stands next to it."""

MOST_TIMES = 6
"""A treatment whose dots lie more than this many times as far out as usual ends at the border."""


def treatment_names(verdicts: Sequence[Verdict]) -> dict[str, str]:
    """Return the name of each treatment: only its tricks where all have the same baseline."""
    if len({verdict.comparison.baseline for verdict in verdicts}) > 1:
        return {verdict.comparison.variant: verdict.comparison.variant for verdict in verdicts}
    return {verdict.comparison.variant: verdict.subject for verdict in verdicts}


def effect_rows(verdicts: Sequence[Verdict], names: Mapping[str, str]) -> Rows:
    """Return a row per seed (treatment, seed, difference) and per mean, for one metric's verdicts.

    What lies beyond the border is drawn at the border and has ``beyond``. Its row keeps the true
    numbers.
    """
    border = _border(verdicts)
    rows: Rows = []
    for verdict in verdicts:
        comparison = verdict.comparison
        paired = comparison.paired
        if paired is None:
            continue
        treatment = {"treatment": names[comparison.variant], "verdict": WORDS[verdict.kind]}
        for seed, difference in comparison.differences.items():
            rows.append({**treatment, "seed": str(seed), **_dot(difference, border)})
        mean = {
            **treatment,
            "n": paired.n,
            "p": number_text.p_text(comparison.t_corrected),
            "mean": rounded(paired.difference.value),
            "center": _within(paired.difference.value, border),
        }
        low, high = paired.difference.low, paired.difference.high
        if low is not None and high is not None:
            mean |= {"low": rounded(low), "high": rounded(high)}
            mean |= {"from": _within(low, border), "to": _within(high, border)}
        rows.append(mean)
    return rows


def _within(value: float, border: float) -> float:
    return rounded(max(-border, min(border, value)))


def _dot(difference: float, border: float) -> dict[str, Any]:
    """Return a seed's difference and where it is drawn."""
    numbers: dict[str, Any] = {
        "difference": rounded(difference),
        "at": _within(difference, border),
    }
    if abs(difference) > border:
        numbers["beyond"] = "right" if difference > 0 else "left"
    return numbers


def _border(verdicts: Sequence[Verdict]) -> float:
    """Return how far the chart reaches from zero: as far as all dots but those far outside."""
    reaches = [
        max(abs(value) for value in verdict.comparison.differences.values())
        for verdict in verdicts
        if verdict.comparison.differences
    ]
    return largest_usual(reaches, MOST_TIMES) * 1.1


def effect_panel(name: str, verdicts: Sequence[Verdict], names: Mapping[str, str]) -> Panel | None:
    """Return the panel of one metric: dots for seeds, a bar for the interval, the verdict in words.

    Args:
        name: The name of the chart's data.
        verdicts: The verdicts on the metric, from the top of the chart down.
        names: The name of each treatment (see ``treatment_names``).

    Returns:
        The panel; None where no treatment shares a seed with its baseline.
    """
    rows = effect_rows(verdicts, names)
    if not rows:
        return None
    drawn = [verdict for verdict in verdicts if verdict.comparison.paired]
    order = [names[verdict.comparison.variant] for verdict in drawn]
    words = {names[verdict.comparison.variant]: verdict.short for verdict in verdicts}

    def y(axis: alt.Axis | None) -> alt.Y:
        return alt.Y("treatment:N", sort=order, title=None, axis=axis)

    # A JSON object is also an object in a Vega expression, whatever the names hold.
    verdict_axis = alt.Axis(
        orient="right", grid=False, labelExpr=f"{json.dumps(words)}[datum.label]"
    )
    names_axis = alt.Axis(grid=True, labelLimit=150)
    zero = alt.Chart(alt.InlineData(values=[{}])).mark_rule(opacity=0.55)
    layers = [
        zero.encode(x=alt.XDatum(0), color=alt.value("#8C8C8C")),
        *_layers(
            y(names_axis), y(None), y(verdict_axis), beyond=any("beyond" in row for row in rows)
        ),
    ]
    title = heading(verdicts[0].comparison.column)
    return layered(
        layers, ChartData(name, rows), title, 24 * len(order) + 10, independent_axis=True
    )


def _layers(left: alt.Y, bare: alt.Y, right: alt.Y, *, beyond: bool) -> list[alt.Chart]:
    """Return the bars, dots, diamonds, and triangles for what lies beyond the border."""
    base = alt.Chart()
    kinds = list(_COLORS)
    color = alt.Color(
        "verdict:N",
        scale=alt.Scale(
            domain=[WORDS[kind] for kind in kinds], range=[_COLORS[kind] for kind in kinds]
        ),
        legend=None,
    )
    shapes = alt.Shape(
        "beyond:N",
        scale=alt.Scale(domain=["left", "right"], range=["triangle-left", "triangle-right"]),
        legend=None,
    )
    scale = alt.Scale(zero=True, padding=8)
    tips, span = _tooltips()
    layers = [
        base.mark_rule(strokeWidth=5, opacity=0.4, strokeCap="round").encode(
            x=alt.X("from:Q", scale=scale, title=None), x2="to:Q", y=left, color=color, tooltip=span
        ),
        base.mark_point(shape="circle", size=34, strokeWidth=1.3, opacity=0.9)
        .encode(x=alt.X("at:Q", scale=scale, title=None), y=bare, color=color, tooltip=tips)
        .transform_filter("!isValid(datum.beyond)"),
        base.mark_point(shape="diamond", size=100, filled=True, opacity=1).encode(
            x=alt.X("center:Q", title=None), y=right, color=color, tooltip=span
        ),
    ]
    if beyond:  # a layer without rows has no extent
        outside = base.mark_point(size=60, filled=True, opacity=0.9).encode(
            x=alt.X("at:Q", title=None), y=bare, color=color, shape=shapes, tooltip=tips
        )
        layers.append(outside.transform_filter("isValid(datum.beyond)"))
    return layers


def _tooltips() -> tuple[list[alt.Tooltip], list[alt.Tooltip]]:
    """Return the tooltips of a seed and of a mean."""
    tips = [
        alt.Tooltip("treatment:N"),
        alt.Tooltip("seed:N"),
        alt.Tooltip("difference:Q", format="+.4~g"),
    ]
    span = [
        alt.Tooltip("treatment:N"),
        alt.Tooltip("verdict:N"),
        *(alt.Tooltip(f"{name}:Q", format="+.4~g") for name in ("mean", "low", "high")),
        alt.Tooltip("n:Q", title="pairs"),
        alt.Tooltip("p:N", title="p, Holm"),
    ]
    return tips, span
