# SPDX-License-Identifier: MIT
"""The chart of effects: what each treatment changes, seed by seed, compared with its baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import altair as alt

from ganbench.analysis import number_text
from ganbench.analysis.outliers import largest_usual
from ganbench.analysis.tables import heading
from ganbench.analysis.verdicts import WORDS, Verdict, VerdictKind
from ganbench.report.charts.axes import NAME_WIDTH, labels, names_in_short, rounded, symlog_ticks
from ganbench.report.charts.panels import ChartData, Panel, Rows, layered

_PLACES = ("difference", "mean", "low", "high")

VERDICT_COLORS: Mapping[VerdictKind, str] = {
    "helps": "#009E73",
    "fails-less": "#0072B2",
    "hurts": "#D55E00",
    "fails": "#CC79A7",
    "unclear": "#8C8C8C",
}
"""The color of a verdict; its word always stands next to it."""

_ROW, _LOW_ROW = 24, 15
"""The height of a treatment in pixels, and its height where there are many."""
_MANY = 30

MOST_TIMES = 4
"""If anything lies more than this many times as far out as dots usually do, the axis is symlog."""


def treatment_names(verdicts: Sequence[Verdict]) -> dict[str, str]:
    """Return the name of each treatment: only its tricks where nothing else can be meant."""
    return {verdict.comparison.variant: verdict.subject for verdict in verdicts}


def effect_rows(verdicts: Sequence[Verdict], names: Mapping[str, str]) -> Rows:
    """Return a row per seed (treatment, seed, difference) and per mean, for one metric's verdicts.

    The rows of means have ``mean``, and the ends of its interval: ``low`` and ``high``. They are
    over the pairs that the verdict rests on.
    """
    rows: Rows = []
    for verdict in verdicts:
        comparison = verdict.comparison
        if verdict.pairs is None:
            continue
        paired = verdict.pairs.paired
        treatment = {"treatment": names[comparison.variant], "verdict": WORDS[verdict.kind]}
        for seed, difference in comparison.differences.items():
            rows.append({**treatment, "seed": str(seed), "difference": rounded(difference)})
        mean = {
            **treatment,
            "n": paired.n,
            "p": number_text.p_text(comparison.t_corrected),
            "mean": rounded(paired.difference.value),
        }
        low, high = paired.difference.low, paired.difference.high
        if low is not None and high is not None:
            mean |= {"low": rounded(low), "high": rounded(high)}
        rows.append(mean)
    return rows


@dataclass(frozen=True)
class _Axis:
    """The axis of differences: linear, or symlog, which is linear up to about ``constant``."""

    constant: float | None
    ticks: Sequence[float] = ()

    def x(self, field: str) -> alt.X:
        if self.constant is None:
            scale = alt.Scale(zero=True, padding=8)
            return alt.X(f"{field}:Q", scale=scale, title=None)
        scale = alt.Scale(type="symlog", constant=self.constant, zero=True, padding=8)
        ticks = alt.Axis(values=list(self.ticks), format=",.4~g", labelOverlap=True)
        return alt.X(f"{field}:Q", scale=scale, title=None, axis=ticks)


def _axis(rows: Rows) -> _Axis:
    """Return an axis on which everything has its place, however far outside it lies."""
    reaches: dict[str, float] = {}
    for row in rows:
        if "difference" in row:
            reach = max(reaches.get(row["treatment"], 0.0), abs(row["difference"]))
            reaches[row["treatment"]] = reach
    usual = largest_usual(list(reaches.values()), MOST_TIMES)
    values = [row[name] for row in rows for name in _PLACES if name in row]
    farthest = max(map(abs, values))
    if farthest <= MOST_TIMES * usual:
        return _Axis(None)
    return _Axis(rounded(usual / 2), symlog_ticks(usual / 2, min(values), max(values)))


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
    axis = _axis(rows)
    drawn = [verdict for verdict in verdicts if verdict.comparison.paired]
    order = [names[verdict.comparison.variant] for verdict in drawn]
    words = {names[verdict.comparison.variant]: verdict.mark for verdict in verdicts}

    def y(axis: alt.Axis | None) -> alt.Y:
        return alt.Y("treatment:N", sort=order, title=None, axis=axis)

    verdict_axis = alt.Axis(orient="right", grid=False, labelExpr=labels(words))
    names_axis = alt.Axis(grid=True, labelLimit=NAME_WIDTH, labelExpr=names_in_short(order))
    zero = alt.Chart(alt.InlineData(values=[{}])).mark_rule(opacity=0.55)
    layers = [
        zero.encode(x=alt.XDatum(0), color=alt.value("#8C8C8C")),
        *_layers(axis, y(names_axis), y(None), y(verdict_axis)),
    ]
    title = heading(verdicts[0].comparison.column)
    if axis.constant is not None:
        title += ", logarithmic far from zero"
    height = (_LOW_ROW if len(order) > _MANY else _ROW) * len(order) + 10
    return layered(layers, ChartData(name, rows), title, height, independent_axis=True)


def _layers(axis: _Axis, left: alt.Y, bare: alt.Y, right: alt.Y) -> list[alt.Chart]:
    """Return the bars, dots and diamonds."""
    base = alt.Chart()
    color = verdict_color()
    tips, span = _tooltips()
    return [
        base.mark_rule(strokeWidth=5, opacity=0.4, strokeCap="round").encode(
            x=axis.x("low"), x2="high:Q", y=left, color=color, tooltip=span
        ),
        base.mark_point(shape="circle", size=34, strokeWidth=1.3, opacity=0.9).encode(
            x=axis.x("difference"), y=bare, color=color, tooltip=tips
        ),
        base.mark_point(shape="diamond", size=100, filled=True, opacity=1).encode(
            x=axis.x("mean"), y=right, color=color, tooltip=span
        ),
    ]


def verdict_color() -> alt.Color:
    """Return the encoding of the verdict of a row, by its words."""
    words = [WORDS[kind] for kind in VERDICT_COLORS]
    scale = alt.Scale(domain=words, range=list(VERDICT_COLORS.values()))
    return alt.Color("verdict:N", scale=scale, legend=None)


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
