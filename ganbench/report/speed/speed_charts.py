# SPDX-License-Identifier: MIT
"""Charts of speed: images per second against the batch, and where the time of a step goes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import altair as alt

from ganbench.analysis.number_text import amount
from ganbench.report.charts.chart_rows import rounded
from ganbench.report.charts.panels import Panel, Rows, color_encodings, layered
from ganbench.report.charts.style import OKABE_ITO, Style
from ganbench.report.speed.speed_rows import SpeedRow

PARTS = ("data", "discriminator", "generator", "penalties", "optimizer", "other")
_INKS = (4, 0, 1, 3, 2, 6)
COLORS = {part: OKABE_ITO[ink] for part, ink in zip(PARTS, _INKS, strict=True)}
"""The parts of a step, in the order in which they are drawn, and their colors."""


@dataclass(frozen=True)
class Domains:
    """What the logarithmic axes of a machine's panel show, and their ticks."""

    batch: tuple[float, float]
    rate: tuple[float, float]
    batches: tuple[int, ...]
    rates: tuple[float, ...]


def rate_rows(rows: Sequence[SpeedRow]) -> Rows:
    """Return a row a round (variant, batch, round, rate), and one a case with its median."""
    found: Rows = []
    for row in rows:
        rounds = [one for one in row.case.rounds if one > 0]
        median = row.case.training.images_per_second if row.case.training else None
        who = {"variant": row.series, "batch": row.case.batch_size}
        found += [
            {**who, "round": index, "rate": rounded(one)} for index, one in enumerate(rounds, 1)
        ]
        if median:
            found.append({**who, "median": rounded(median), "n": len(rounds)})
    return found


def rate_domains(rows: Rows) -> Domains:
    """Return the axes that show all of ``rate_rows``."""
    batches = sorted({one["batch"] for one in rows})
    rates = [one[name] for one in rows for name in ("rate", "median") if name in one]
    rate = rounded(min(rates) / 1.25), rounded(max(rates) * 1.25)
    return Domains(
        batch=(rounded(batches[0] / 1.25), rounded(batches[-1] * 1.25)),
        rate=rate,
        batches=tuple(batches),
        rates=tuple(log_ticks_within(*rate)),
    )


def log_ticks_within(low: float, high: float) -> list[float]:
    """Return round numbers between two bounds, at least three where there are so many.

    >>> log_ticks_within(40, 1500)
    [50.0, 100.0, 200.0, 500.0, 1000.0]
    """
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found: list[float] = []
    for steps in ((1,), (1, 3), (1, 2, 5), range(1, 10)):
        every = [float(f"{step}e{power}") for power in powers for step in steps]
        found = [tick for tick in every if low <= tick <= high]
        if len(found) >= 4:
            break
    return found


def rate_panel(data: str, title: str, drawn: Mapping[str, Style], rows: Rows) -> Panel:
    """Return one machine's panel: a line through the medians of each series, a circle a round.

    A dash marks each median, where a lone batch makes no line.

    ``rows``, which the data hold, are those of ``rate_rows``.
    """
    domains = rate_domains(rows)
    x = alt.X(
        "batch:Q",
        title="batch size",
        scale=alt.Scale(type="log", domain=list(domains.batch), nice=False),
        axis=alt.Axis(values=list(domains.batches), grid=False, labelOverlap=True),
    )
    color = color_encodings(drawn, legend=True, columns=1)  # the names are long
    tips = [alt.Tooltip("variant:N"), alt.Tooltip("batch:Q", title="batch size")]
    amounts = {name: alt.Tooltip(f"{name}:Q", format=",.4~g") for name in ("rate", "median")}

    def y(name: str) -> alt.Y:
        scale = alt.Scale(type="log", domain=list(domains.rate), nice=False)
        axis = alt.Axis(values=list(domains.rates), format=",~g")
        return alt.Y(f"{name}:Q", title=None, scale=scale, axis=axis)

    base = alt.Chart()
    median = {"x": x, "y": y("median"), "tooltip": [*tips, amounts["median"], alt.Tooltip("n:Q")]}
    lines = base.mark_line(strokeWidth=1.6).encode(**median, **color)
    dashes = base.mark_point(shape="stroke", size=260, strokeWidth=1.6, opacity=1).encode(
        **median, color=color["color"]
    )
    rounds = base.mark_point(shape="circle", size=46, strokeWidth=1.2, opacity=0.8).encode(
        x=x,
        y=y("rate"),
        tooltip=[*tips, alt.Tooltip("round:Q"), amounts["rate"]],
        color=color["color"],
    )
    layers = [
        lines.transform_filter("isValid(datum.median)"),
        dashes.transform_filter("isValid(datum.median)"),
        rounds.transform_filter("isValid(datum.rate)"),
    ]
    return layered(layers, data, f"images/s, {title}", 240)


def split_rows(rows: Sequence[SpeedRow]) -> Rows:
    """Return a row a case and part: ``case`` with its whole, ``part``, ``ms``, ``share``."""
    found: Rows = []
    for row in rows:
        parts = {part: (row.case.split_ms or {}).get(part) or 0.0 for part in PARTS}
        whole = math.fsum(parts.values())
        if not whole:
            continue
        # What is cut off on a narrow page is the end of a long name.
        case = f"{amount(whole)} ms, batch {row.case.batch_size}: {row.series}"
        found += [
            {
                "case": case,
                "part": part,
                "place": place,
                "ms": rounded(spent),
                "share": rounded(spent / whole),
            }
            for place, (part, spent) in enumerate(parts.items())
            if spent
        ]
    return found


def split_panel(data: str, title: str, rows: Rows) -> Panel:
    """Return one machine's panel: a bar a case, as long as one iteration, parted by what took it.

    ``rows``, which the data hold, are those of ``split_rows``. What a case is called stands above
    its bar, where a long name has room on a narrow page.
    """
    cases = list(dict.fromkeys(row["case"] for row in rows))
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
                scale=alt.Scale(domain=list(PARTS), range=list(COLORS.values())),
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
    return layered([bars], data, title, 38 * len(cases) + 8)
