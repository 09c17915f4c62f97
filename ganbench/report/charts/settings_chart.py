# SPDX-License-Identifier: MIT
"""The chart of an effect over settings: the ratio to the baseline at each learning rate."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt

from ganbench.analysis.number_text import p_text
from ganbench.analysis.over_settings import OverSettings
from ganbench.analysis.verdicts import WORDS
from ganbench.report.charts.axes import labels, log_ticks_within, rounded
from ganbench.report.charts.effects_chart import verdict_color
from ganbench.report.charts.panels import ChartData, Panel, Rows, layered

POWERS_BELOW = 1e-3
"""Below this a number is shorter as a power of ten."""

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


def narrow(settings: Sequence[str]) -> list[str]:
    """Return short settings as they fit next to each other: small numbers as powers of ten.

    >>> narrow(["5e-05", "0.00016", "0.005"])
    ['5e-5', '1.6e-4', '5e-3']
    >>> narrow(["0.1", "1"])
    ['0.1', '1']
    """
    try:
        numbers = [float(setting) for setting in settings]
    except ValueError:
        return list(settings)
    if min(map(abs, numbers), default=1.0) >= POWERS_BELOW:
        return list(settings)
    split = [f"{number:e}".split("e") for number in numbers]
    return [f"{float(digits):.4g}e{int(power)}" for digits, power in split]


def settings_panels(
    group: Sequence[OverSettings], name: str
) -> list[tuple[OverSettings, Panel | None]]:
    """Return each set of tricks with its panel; None where no setting has a ratio.

    Those of one model have the same axis, so that one can compare them at a glance.

    Args:
        group: The sets of tricks at their settings.
        name: What the names of the charts' data begin with.
    """
    rows = [setting_rows(over) for over in group]
    means: dict[str, list[float]] = {}
    for over, own in zip(group, rows, strict=True):
        means.setdefault(over.model, [1.0]).extend(row["ratio"] for row in own)
    return [
        (over, _panel(over, own, f"{name}-{index}", means[over.model]) if own else None)
        for index, (over, own) in enumerate(zip(group, rows, strict=True))
    ]


def _panel(over: OverSettings, rows: Rows, name: str, means: Sequence[float]) -> Panel:
    """Return the panel of one set of tricks, with an axis on which all the means have a place."""
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
        axis=alt.Axis(
            grid=False,
            labelAngle=0,
            labelOverlap=True,
            labelSeparation=4,
            labelExpr=labels(dict(zip(order, narrow(order), strict=True))),
        ),
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
