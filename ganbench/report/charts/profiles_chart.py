# SPDX-License-Identifier: MIT
"""The chart of performance profiles: in which share of all runs a metric is good enough."""

from __future__ import annotations

import json
from typing import Literal

import altair as alt

from ganbench.analysis.comparison import PLAIN
from ganbench.analysis.stability import Profile
from ganbench.analysis.stats import Estimate
from ganbench.analysis.tables import MetricColumn
from ganbench.report.charts.axes import rounded
from ganbench.report.charts.panels import ChartData, Panel, Rows, layered
from ganbench.report.charts.style import BEHIND, OKABE_ITO


def profile_rows(profile: Profile) -> Rows:
    """Return a row per set of tricks and threshold: tricks, tau, share, low, high, n."""
    return [
        {
            "tricks": curve.name,
            "tau": rounded(threshold),
            "share": rounded(share.value),
            "n": share.n,
            **_ends(share),
        }
        for curve in profile.curves
        for threshold, share in zip(profile.thresholds, curve.shares, strict=True)
    ]


def _ends(share: Estimate) -> dict[str, float]:
    """Return the ends of the interval of a share; a single run has none."""
    if share.low is None or share.high is None:
        return {}
    return {"low": rounded(share.low), "high": rounded(share.high)}


def profile_panels(profile: Profile, name: str, main: MetricColumn) -> list[Panel]:
    """Return a panel for each set of tricks; the runs without tricks stand behind in gray.

    Args:
        profile: The profile of one model.
        name: The name of the charts' data.
        main: The metric that the profile is about.
    """
    data = ChartData(name, profile_rows(profile))
    return [
        _panel(data, curve.name, main, log=profile.logarithmic)
        for curve in profile.curves
        if curve.tricks or len(profile.curves) == 1
    ]


def _panel(data: ChartData, tricks: str, main: MetricColumn, *, log: bool) -> Panel:
    x = alt.X(
        "tau:Q",
        title=None,
        scale=alt.Scale(type="log", nice=False) if log else alt.Scale(nice=False, zero=False),
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
    # Between two values the share is that of the worse one, as no run lies between them.
    steps: Literal["step-before", "step-after"] = (
        "step-before" if main.better == "higher" else "step-after"
    )
    layers: list[alt.Chart] = []
    inks = {PLAIN: BEHIND, tricks: OKABE_ITO[0]}
    for name, ink in inks.items():
        # A JSON string is also a string in a Vega expression, whatever the name holds.
        base = alt.Chart().transform_filter(f"datum.tricks === {json.dumps(name)}")
        low = y.copy()
        low.shorthand = "low:Q"
        layers += [
            base.mark_area(opacity=0.14, strokeWidth=0, interpolate=steps)
            .encode(x=x, y=low, y2="high:Q", color=alt.value(ink))
            .transform_filter("isValid(datum.low)"),
            base.mark_line(strokeWidth=2.2, interpolate=steps).encode(
                x=x, y=y, color=alt.value(ink), tooltip=tips
            ),
        ]
    return layered(layers, data, tricks, 120)
