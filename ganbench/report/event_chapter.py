# SPDX-License-Identifier: MIT
"""The chapter on curves that other tools wrote: a chart for each tag, and no table."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt

from ganbench.config import counted
from ganbench.records.event_curves import EventCurve
from ganbench.report import notes
from ganbench.report.charts.axes import rounded
from ganbench.report.charts.panels import ChartData, Panel, color_encodings, layered
from ganbench.report.charts.style import styles
from ganbench.report.content_blocks import Chapter, Charts, Paragraph

MOST_TAGS = 24
"""This many tags are drawn, those that most sources have first; the others are counted."""


def event_chapter(curves: Sequence[EventCurve]) -> Chapter:
    """Return the chapter with a chart for each tag, across the steps of its program."""
    sources = list(dict.fromkeys(curve.source for curve in curves))
    by_tag: dict[str, list[EventCurve]] = {}
    for curve in curves:
        by_tag.setdefault(curve.tag, []).append(curve)
    tags = sorted(by_tag, key=lambda tag: -len(by_tag[tag]))
    panels = [_panel(index, by_tag[tag], sources) for index, tag in enumerate(tags[:MOST_TAGS])]
    charts = Charts(
        "event-curves",
        "Curves of other tools",
        tuple(panels),
        layout="two",
        width=360,
        legend=tuple(styles(sources).items()),
    )
    note = notes.EVENTS_NOTE
    if len(tags) > MOST_TAGS:
        verb = "is" if len(tags) == MOST_TAGS + 1 else "are"
        note += f" {counted(len(tags) - MOST_TAGS, 'further tag')} {verb} not drawn."
    return Chapter("Curves of other tools", (charts, Paragraph(note)), anchor="event-curves")


def _panel(index: int, curves: Sequence[EventCurve], sources: Sequence[str]) -> Panel:
    """Return the chart of one tag, with a line for each source."""
    rows = [
        {"source": curve.source, "step": step, "value": rounded(value)}
        for curve in curves
        for step, value in zip(curve.steps, curve.values, strict=True)
    ]
    legend = alt.Legend(title=None, orient="bottom", columns=4)
    line = alt.Chart().mark_line(strokeWidth=2, point={"size": 14})
    encoded = line.encode(
        x=alt.X("step:Q", title="steps of that tool", axis=alt.Axis(grid=False, tickCount=5)),
        y=alt.Y("value:Q", title=None, scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=5)),
        tooltip=[
            alt.Tooltip("source:N"),
            alt.Tooltip("step:Q", format=","),
            alt.Tooltip("value:Q", format=".5~g"),
        ],
        **color_encodings(styles(sources), legend=legend if index == 0 else None, field="source"),
    )
    title = " ".join(curves[0].tag.split())  # a line break would begin a second line
    return layered([encoded], ChartData(f"event-curves-{index}", rows), title, 170)
