# SPDX-License-Identifier: MIT
"""The chart of effects: what each treatment changes, seed by seed, against its baseline."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import altair as alt

from ganbench.analysis import number_text
from ganbench.analysis.verdicts import WORDS, Verdict, VerdictKind
from ganbench.report.charts.chart_rows import rounded
from ganbench.report.charts.panels import Panel, Rows, layered

_COLORS: Mapping[VerdictKind, str] = {
    "helps": "#009E73",
    "hurts": "#D55E00",
    "fails": "#CC79A7",
    "unclear": "#8C8C8C",
}
"""A verdict's color; its word always stands beside."""

MOST_TIMES = 6
"""A treatment whose dots lie more than so many times as far out as usual ends at the border."""


def treatment_names(found: Sequence[Verdict]) -> dict[str, str]:
    """Return how each treatment is called: by its tricks where all have one baseline."""
    if len({one.comparison.baseline for one in found}) > 1:
        return {one.comparison.variant: one.comparison.variant for one in found}
    return {one.comparison.variant: one.subject for one in found}


def effect_rows(found: Sequence[Verdict], names: Mapping[str, str]) -> Rows:
    """Return a row a seed (name, seed, difference) and a row a mean, for one metric's verdicts.

    What lies beyond the border is drawn at it and has ``beyond``; its row keeps the true numbers.
    """
    border = _border(found)
    rows: Rows = []
    for one in found:
        paired = one.comparison.paired
        if paired is None:
            continue
        who = {"treatment": names[one.comparison.variant], "verdict": one.word}
        for seed, difference in (one.comparison.differences or {}).items():
            rows.append({**who, "seed": str(seed), **_at(difference, border)})
        mean = {
            **who,
            "n": paired.n,
            "p": number_text.p_text(one.comparison.t_corrected),
            "mean": rounded(paired.difference.value),
            "center": rounded(max(-border, min(border, paired.difference.value))),
        }
        low, high = paired.difference.low, paired.difference.high
        if low is not None and high is not None:
            mean |= {
                "low": rounded(low),
                "high": rounded(high),
                "from": rounded(max(-border, min(border, low))),
                "to": rounded(max(-border, min(border, high))),
            }
        rows.append(mean)
    return rows


def _at(difference: float, border: float) -> dict[str, Any]:
    if abs(difference) <= border:
        return {"difference": rounded(difference), "at": rounded(difference)}
    side = "right" if difference > 0 else "left"
    at = border if difference > 0 else -border
    return {"difference": rounded(difference), "at": rounded(at), "beyond": side}


def _border(found: Sequence[Verdict]) -> float:
    """Return how far from zero the chart reaches: as far as the dots, but for those far outside."""
    reaches = [
        max(abs(value) for value in one.comparison.differences.values())
        for one in found
        if one.comparison.differences
    ]
    usual = median(reaches) if reaches else 0.0
    near = [reach for reach in reaches if reach <= MOST_TIMES * usual] or [0.0]
    return (max(near) or max(reaches, default=1.0) or 1.0) * 1.1


def effect_panel(
    data: str, title: str, found: Sequence[Verdict], names: Mapping[str, str], rows: Rows
) -> Panel:
    """Return the panel of one metric: a dot a seed, a bar the interval, and the word at the right.

    ``rows``, which the data hold, are those of ``effect_rows``.
    """
    order = [names[one.comparison.variant] for one in found if one.comparison.paired]
    words = {names[one.comparison.variant]: one.short for one in found}
    base = alt.Chart()
    kinds = list(_COLORS)
    color = alt.Color(
        "verdict:N",
        scale=alt.Scale(
            domain=[WORDS[kind] for kind in kinds], range=[_COLORS[kind] for kind in kinds]
        ),
        legend=None,
    )
    left = alt.Y("treatment:N", sort=order, title=None, axis=alt.Axis(grid=True, labelLimit=150))
    said = alt.Axis(
        orient="right",
        grid=False,
        # A JSON object is also one in a Vega expression, whatever the names hold.
        labelExpr=f"{json.dumps(words)}[datum.label]",
    )
    right = alt.Y("treatment:N", sort=order, title=None, axis=said)
    bare = alt.Y("treatment:N", sort=order, title=None, axis=None)  # one axis a side is enough
    scale = alt.Scale(zero=True, padding=8)
    tips, span = _tooltips()
    zero = alt.Chart(alt.InlineData(values=[{}])).mark_rule(opacity=0.55)
    shapes = alt.Shape(
        "beyond:N",
        scale=alt.Scale(domain=["left", "right"], range=["triangle-left", "triangle-right"]),
        legend=None,
    )
    dots = base.mark_point(shape="circle", size=34, strokeWidth=1.3, opacity=0.9)
    layers = [
        zero.encode(x=alt.XDatum(0), color=alt.value("#8C8C8C")),
        base.mark_rule(strokeWidth=5, opacity=0.4, strokeCap="round").encode(
            x=alt.X("from:Q", scale=scale, title=None), x2="to:Q", y=left, color=color, tooltip=span
        ),
        dots.encode(
            x=alt.X("at:Q", scale=scale, title=None), y=bare, color=color, tooltip=tips
        ).transform_filter("!isValid(datum.beyond)"),
        base.mark_point(shape="diamond", size=100, filled=True, opacity=1).encode(
            x=alt.X("center:Q", title=None), y=right, color=color, tooltip=span
        ),
    ]
    if any("beyond" in row for row in rows):  # a layer without rows has no extent
        outside = base.mark_point(size=60, filled=True, opacity=0.9).encode(
            x=alt.X("at:Q", title=None), y=bare, color=color, shape=shapes, tooltip=tips
        )
        layers.append(outside.transform_filter("isValid(datum.beyond)"))
    return layered(layers, data, title, 24 * len(order) + 10, independent_axis=True)


def _tooltips() -> tuple[list[alt.Tooltip], list[alt.Tooltip]]:
    """Return what is said of a seed, and of a mean."""
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
