# SPDX-License-Identifier: MIT
"""Charts of speed: images per second by batch size, and where the time of a step goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import altair as alt

from ganbench.analysis.number_text import amount
from ganbench.analysis.speed_summary import iteration_milliseconds, part_times
from ganbench.report.charts.axes import log_ticks_within, rounded
from ganbench.report.charts.panels import (
    ChartData,
    Panel,
    Rows,
    color_encodings,
    layered,
    shape_encoding,
)
from ganbench.report.charts.style import OKABE_ITO, Style
from ganbench.report.speed.speed_rows import SpeedRow

PARTS = ("data", "discriminator", "generator", "penalties", "optimizer", "other")
_INKS = (4, 0, 1, 3, 2, 6)
PART_COLORS = {part: OKABE_ITO[ink] for part, ink in zip(PARTS, _INKS, strict=True)}
"""The parts of a step, in the order in which they are drawn, and their colors."""


@dataclass(frozen=True)
class RateAxes:
    """The ends and the ticks of the logarithmic axes of a machine's panel."""

    batch: tuple[float, float]
    rate: tuple[float, float]
    batches: tuple[int, ...]
    rates: tuple[float, ...]


def rate_rows(rows: Sequence[SpeedRow]) -> Rows:
    """Return a row per round (variant, batch, round, rate) and one per case with its median."""
    chart_rows: Rows = []
    for row in rows:
        rounds = [rate for rate in row.case.rounds if rate > 0]
        median = row.case.training.images_per_second if row.case.training else None
        case = {"variant": row.series, "batch": row.case.batch_size}
        chart_rows += [
            {**case, "round": index, "rate": rounded(rate)} for index, rate in enumerate(rounds, 1)
        ]
        if median:
            chart_rows.append({**case, "median": rounded(median), "n": len(rounds)})
    return chart_rows


def rate_axes(rows: Rows) -> RateAxes:
    """Return the axes that show all of ``rate_rows``."""
    batches = sorted({row["batch"] for row in rows})
    rates = [row[name] for row in rows for name in ("rate", "median") if name in row]
    rate = rounded(min(rates) / 1.25), rounded(max(rates) * 1.25)
    return RateAxes(
        batch=(rounded(batches[0] / 1.25), rounded(batches[-1] * 1.25)),
        rate=rate,
        batches=tuple(batches),
        rates=tuple(log_ticks_within(*rate)),
    )


def rate_panel(
    name: str, title: str, rows: Sequence[SpeedRow], series_styles: Mapping[str, Style]
) -> Panel | None:
    """Return one machine's panel: a line through the medians of each series, dots for rounds.

    A dash marks each median, because a single batch size makes no line.

    Args:
        name: The name of the chart's data.
        title: The machine.
        rows: Its cases.
        series_styles: How each series is drawn.

    Returns:
        The panel; None where no case has a speed.
    """
    chart_rows = rate_rows(rows)
    if not chart_rows:
        return None
    axes = rate_axes(chart_rows)
    x = alt.X(
        "batch:Q",
        title="batch size",
        scale=alt.Scale(type="log", domain=list(axes.batch), nice=False),
        axis=alt.Axis(values=list(axes.batches), grid=False, labelOverlap=True),
    )
    # The names are long.
    color = color_encodings(
        series_styles, legend=alt.Legend(title=None, orient="bottom", columns=1, symbolSize=120)
    )
    tips = [alt.Tooltip("variant:N"), alt.Tooltip("batch:Q", title="batch size")]
    amounts = {name: alt.Tooltip(f"{name}:Q", format=",.4~g") for name in ("rate", "median")}

    def y(name: str) -> alt.Y:
        scale = alt.Scale(type="log", domain=list(axes.rate), nice=False)
        axis = alt.Axis(values=list(axes.rates), format=",~g")
        return alt.Y(f"{name}:Q", title=None, scale=scale, axis=axis)

    base = alt.Chart()
    median = {"x": x, "y": y("median"), "tooltip": [*tips, amounts["median"], alt.Tooltip("n:Q")]}
    lines = base.mark_line(strokeWidth=1.6).encode(**median, **color)
    dashes = base.mark_point(shape="stroke", size=260, strokeWidth=1.6, opacity=1).encode(
        **median, color=color["color"]
    )
    rounds = base.mark_point(size=46, strokeWidth=1.2, opacity=0.8).encode(
        x=x,
        y=y("rate"),
        tooltip=[*tips, alt.Tooltip("round:Q"), amounts["rate"]],
        color=color["color"],
        shape=shape_encoding(series_styles),
    )
    layers = [
        lines.transform_filter("isValid(datum.median)"),
        dashes.transform_filter("isValid(datum.median)"),
        rounds.transform_filter("isValid(datum.rate)"),
    ]
    return layered(layers, ChartData(name, chart_rows), f"images/s, {title}", 240)


def split_rows(rows: Sequence[SpeedRow]) -> Rows:
    """Return a row per case and part: ``case`` with its total, ``part``, ``ms``, ``share``."""
    chart_rows: Rows = []
    for row in rows:
        times = part_times(row.case, PARTS)
        # A narrow page cuts off the end of a long name.
        whole = amount(iteration_milliseconds(times))
        case = f"{whole} ms, batch {row.case.batch_size}: {row.series}"
        chart_rows += [
            {
                "case": case,
                "part": time.part,
                "place": PARTS.index(time.part),
                "ms": rounded(time.milliseconds),
                "share": rounded(time.share),
            }
            for time in times
        ]
    return chart_rows


def split_panel(name: str, title: str, rows: Sequence[SpeedRow]) -> Panel | None:
    """Return one machine's panel: a bar for each case, divided by what its time goes to.

    The name of a case stands above its bar, where a long name has room on a narrow page.

    Args:
        name: The name of the chart's data.
        title: The machine.
        rows: The cases that are drawn.

    Returns:
        The panel; None where no case was split.
    """
    chart_rows = split_rows(rows)
    if not chart_rows:
        return None
    cases = list(dict.fromkeys(row["case"] for row in chart_rows))
    names = alt.Axis(
        labelAlign="left", labelPadding=0, labelOffset=-14, labelLimit=0, grid=False, zindex=1
    )
    bars = (
        alt.Chart()
        .mark_bar(size=13)
        .encode(
            x=alt.X(
                "share:Q",
                title="share of an iteration",
                stack="zero",
                scale=alt.Scale(domain=[0, 1]),
                axis=alt.Axis(format="%", tickCount=5),
            ),
            y=alt.Y("case:N", sort=cases, title=None, axis=names),
            color=alt.Color(
                "part:N",
                scale=alt.Scale(domain=list(PARTS), range=list(PART_COLORS.values())),
                legend=alt.Legend(title=None, orient="bottom", columns=3, columnPadding=24),
            ),
            order=alt.Order("place:Q"),
            tooltip=[
                alt.Tooltip("case:N"),
                alt.Tooltip("part:N"),
                alt.Tooltip("ms:Q", format=",.4~g"),
                alt.Tooltip("share:Q", format=".1%"),
            ],
        )
    )
    return layered([bars], ChartData(name, chart_rows), title, 38 * len(cases) + 8)
