# SPDX-License-Identifier: MIT
"""The chart of an effect over settings: the ratio to the baseline at each learning rate."""

from __future__ import annotations

import altair as alt

from ganbench.analysis.number_text import p_text
from ganbench.analysis.over_settings import OverSettings
from ganbench.analysis.verdicts import WORDS
from ganbench.report.charts.axes import log_ticks_within, rounded
from ganbench.report.charts.effects_chart import verdict_color
from ganbench.report.charts.panels import ChartData, Panel, Rows, layered

REACH = 1.15
"""The axis goes on beyond the farthest mean by this factor, and ends the bars there."""


def setting_rows(over: OverSettings) -> Rows:
    """Return a row for each setting that has a ratio: setting, ratio, low, high, n, p, verdict."""
    rows: Rows = []
    for setting, verdict in zip(over.settings, over.verdicts, strict=True):
        pairs = verdict.pairs
        if pairs is None or pairs.ratio is None:
            continue
        ratio = pairs.ratio.ratio
        row = {
            "setting": short_setting(setting),
            "ratio": rounded(ratio.value),
            "n": ratio.n,
            "p": p_text(verdict.comparison.t_corrected),
            "verdict": WORDS[verdict.kind],
        }
        if ratio.low is not None and ratio.high is not None:
            row |= {"low": rounded(ratio.low), "high": rounded(ratio.high)}
        rows.append(row)
    return rows


def short_setting(setting: str) -> str:
    """Return the values of a setting without their names.

    >>> short_setting("learning_rate=0.001, batch_size=64")
    '0.001, 64'
    """
    return ", ".join(part.partition("=")[2] or part for part in setting.split(", "))


def settings_panel(over: OverSettings, name: str) -> Panel | None:
    """Return the panel of one set of tricks; None where no setting has a ratio.

    Args:
        over: The set of tricks at its settings.
        name: The name of the chart's data.
    """
    rows = setting_rows(over)
    if not rows:
        return None
    means = [1.0, *(row["ratio"] for row in rows)]
    low, high = rounded(min(means) / REACH), rounded(max(means) * REACH)
    for row in rows:
        if "low" in row:
            row["bar_low"] = min(max(row["low"], low), high)
            row["bar_high"] = min(max(row["high"], low), high)
    order = [short_setting(setting) for setting in over.settings]
    x = alt.X(
        "setting:O",
        title=None,
        scale=alt.Scale(domain=order),
        axis=alt.Axis(grid=False, labelAngle=0, labelOverlap=True),
    )
    scale = alt.Scale(type="log", domain=[low, high], nice=False)
    axis = alt.Axis(values=log_ticks_within(low, high), labelOverlap=True, format=".3~g")

    def y(field: str) -> alt.Y:
        return alt.Y(f"{field}:Q", title=None, scale=scale, axis=axis)

    tips = [
        alt.Tooltip("setting:N"),
        alt.Tooltip("verdict:N"),
        *(alt.Tooltip(f"{key}:Q", format=".4~g") for key in ("ratio", "low", "high")),
        alt.Tooltip("n:Q", title="pairs"),
        alt.Tooltip("p:N", title="p, Holm"),
    ]
    base = alt.Chart()
    one = alt.Chart(alt.InlineData(values=[{}])).mark_rule(opacity=0.55)
    layers = [
        one.encode(y=alt.YDatum(1), color=alt.value("#8C8C8C")),
        base.mark_line(strokeWidth=1, opacity=0.5).encode(
            x=x, y=y("ratio"), color=alt.value("#8C8C8C")
        ),
        base.mark_rule(strokeWidth=5, opacity=0.4, strokeCap="round")
        .encode(x=x, y=y("bar_low"), y2="bar_high:Q", color=verdict_color(), tooltip=tips)
        .transform_filter("isValid(datum.bar_low)"),
        base.mark_point(shape="diamond", size=80, filled=True, opacity=1).encode(
            x=x, y=y("ratio"), color=verdict_color(), tooltip=tips
        ),
    ]
    return layered(layers, ChartData(name, rows), over.tricks, 120)
