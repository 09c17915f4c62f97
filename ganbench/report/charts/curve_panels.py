# SPDX-License-Identifier: MIT
"""Panels of quantities along training: thin lines for seeds, a thick one for their mean."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from ganbench.report.charts.panels import (
    ChartData,
    Panel,
    Rows,
    color_encodings,
    floor_rule,
    layered,
)
from ganbench.report.charts.style import BEHIND, OKABE_ITO, Style, styles

_TROUBLE = "#D55E00"
"""The color of an event of health where the variant needs none."""

_LEGEND = alt.Legend(title=None, orient="bottom", columns=4)


def curve_panel(
    data: ChartData,
    field: str,
    title: str,
    axis: str,
    variant_styles: Mapping[str, Style],
    *,
    ticks: Sequence[float],
    floor: float | None,
    domain: tuple[float, float],
    legend: bool = False,
) -> Panel:
    """Return a metric of several variants along training, the means in their bands.

    Args:
        data: The rows of ``metric_rows``. Only the rows of a mean have ``mean`` and the ends of
            the band.
        field: The name of the metric in the rows.
        title: The title above the chart.
        axis: What is drawn across: ``kimg`` or ``seconds``.
        variant_styles: The variants and how each is drawn.
        ticks: The ticks of a logarithmic axis; without any the axis is linear.
        floor: The value of real data compared with real data, drawn as a dashed line.
        domain: The values at the ends of the axis.
        legend: Whether still pictures name the variants.
    """
    axis_title = {"kimg": "thousands of images", "seconds": "seconds of training"}[axis]
    y = _value_axis(field, ticks, domain)
    encodings = {
        "x": alt.X(f"{axis}:Q", title=axis_title, axis=alt.Axis(grid=False, tickCount=5)),
        "y": y,
        "tooltip": [
            alt.Tooltip("variant:N"),
            alt.Tooltip("seed:N"),
            alt.Tooltip("kimg:Q", format=",.4~g"),
            alt.Tooltip("seconds:Q", format=",.4~g"),
            alt.Tooltip(f"{field}:Q", title="value", format=".5~g"),
        ],
        **color_encodings(variant_styles, legend=_LEGEND if legend else None),
    }
    band = _band(field, encodings["x"], y).encode(color=encodings["color"])
    layers = [band, *_thin_and_thick(f"isValid(datum.{field})", encodings, points=True)]
    layers += _beyond(data.rows, field, domain, encodings["x"], y, encodings["color"])
    if axis == "kimg":
        layers += _events(data.rows, domain, encodings["x"], y, encodings["color"])
    if floor is not None:
        layers.append(floor_rule("y", floor))
    return layered(layers, data, title, 190)


def multiple_panel(
    data: ChartData,
    field: str,
    variant: str,
    baseline: str | None,
    *,
    ticks: Sequence[float],
    domain: tuple[float, float],
) -> Panel:
    """Return one of many panels alike: a variant along training, its baseline behind in gray.

    The variants have one color: their titles tell them apart.

    Args:
        data: The rows of ``metric_rows``.
        field: The name of the metric in the rows.
        variant: The variant of this panel, which is also its title.
        baseline: The variant behind; without one this variant itself is drawn in gray.
        ticks: The ticks of a logarithmic axis; without any the axis is linear.
        domain: The values at the ends of the axis, the same for all panels.
    """
    y = _value_axis(field, ticks, domain)
    x = alt.X("kimg:Q", title=None, axis=alt.Axis(grid=False, tickCount=3))
    layers: list[alt.Chart] = []
    inks = {baseline: BEHIND, variant: OKABE_ITO[0]} if baseline else {variant: BEHIND}
    for name, ink in inks.items():
        # A JSON string is also a string in a Vega expression, whatever the name holds.
        of_variant = f"datum.variant === {json.dumps(name)} && isValid(datum.{field})"
        tips = [
            alt.Tooltip("variant:N"),
            alt.Tooltip("seed:N"),
            alt.Tooltip("kimg:Q", format=",.4~g"),
            alt.Tooltip(f"{field}:Q", title="value", format=".5~g"),
        ]
        encodings = {"x": x, "y": y, "color": alt.ColorValue(ink), "tooltip": tips}
        lines = _thin_and_thick(of_variant, encodings, points=name == variant)
        band = _band(field, x, y).encode(color=alt.ColorValue(ink)).transform_filter(of_variant)
        layers += [band, lines[1]] if name != variant else [band, *lines]
        rows = [row for row in data.rows if row["variant"] == name]
        arrows = _beyond(rows, field, domain, x, y, alt.ColorValue(ink))
        layers += [arrow.transform_filter(of_variant) for arrow in arrows]
    own = f"datum.variant === {json.dumps(variant)}"
    rows = [row for row in data.rows if row["variant"] == variant]
    crosses = _events(rows, domain, x, y, alt.ColorValue(_TROUBLE))
    layers += [cross.transform_filter(own) for cross in crosses]
    return layered(layers, data, variant, 110)


def loss_panel(data: ChartData, title: str, series: Mapping[str, str]) -> Panel:
    """Return losses or logits of one variant against kimg.

    Args:
        data: The rows of ``loss_rows``.
        title: The title above the chart.
        series: The fields of the rows by the names that the legend shows.
    """
    legend = alt.Legend(title=None, orient="bottom", columns=2, labelLimit=180)
    inks = color_encodings(styles(list(series)), legend=legend, field="series")
    layers: list[alt.Chart] = []
    for name, field in series.items():
        encodings = {
            "x": alt.X(
                "kimg:Q", title="thousands of images", axis=alt.Axis(grid=False, tickCount=5)
            ),
            "y": alt.Y(f"{field}:Q", title=None, axis=alt.Axis(tickCount=5)),
            **inks,
            "tooltip": [
                alt.Tooltip("seed:N"),
                alt.Tooltip("kimg:Q", format=",.4~g"),
                # In a title of Vega-Lite a line break would begin a second line.
                alt.Tooltip(f"{field}:Q", title=name.replace("\n", " "), format=".4~g"),
            ],
        }
        lines = _thin_and_thick(f"isValid(datum.{field})", encodings)
        # A JSON string is also a string in a Vega expression, whatever the name holds.
        layers += [line.transform_calculate(series=json.dumps(name)) for line in lines]
    return layered(layers, data, title, 170, own_legend=True)


def _value_axis(field: str, ticks: Sequence[float], domain: tuple[float, float]) -> alt.Y:
    """Return the axis of a metric's values, logarithmic where there are ticks for that."""
    shown: dict[str, Any] = {"domain": list(domain), "nice": False}
    scale = alt.Scale(type="log", **shown) if ticks else alt.Scale(zero=False, **shown)
    within = [tick for tick in ticks if domain[0] <= tick <= domain[1]]
    axis = alt.Axis(values=within or list(ticks)) if ticks else alt.Axis(tickCount=4)
    return alt.Y(f"{field}:Q", title=None, scale=scale, axis=axis)


def _band(field: str, x: alt.X, y: alt.Y) -> alt.Chart:
    """Return the interval of the mean as an area.

    Its rows are cut off at the ends of the axis (``clip_bands``). If the picture clipped them, it
    would number its clips from picture to picture, and the same report would have other bytes.
    """
    low = y.copy()
    low.shorthand = f"{field}_low:Q"
    area = alt.Chart().mark_area(opacity=0.16, strokeWidth=0)
    band: alt.Chart = area.encode(x=x, y=low, y2=alt.Y2(f"{field}_high:Q")).transform_filter(
        f"datum.mean && isValid(datum.{field}_low)"
    )
    return band


def _beyond(
    rows: Rows,
    field: str,
    domain: tuple[float, float],
    x: alt.X,
    y: alt.Y,
    color: Any,
) -> list[alt.Chart]:
    """Return arrows at the ends of the axis, where a band goes on beyond them."""
    arrows = []
    for end, at, shape in zip(
        ("below", "above"), domain, ("triangle-down", "triangle-up"), strict=True
    ):
        beyond = f"{field}_{end}"
        if not any(beyond in row for row in rows):  # a layer without rows has no extent
            continue
        place = y.copy()
        place.shorthand = "edge:Q"
        tips = [
            alt.Tooltip("variant:N"),
            alt.Tooltip("kimg:Q", format=",.4~g"),
            alt.Tooltip(f"{beyond}:Q", title="the interval goes on to", format=".5~g"),
        ]
        arrow = alt.Chart().mark_point(shape=shape, size=22, filled=True, opacity=0.7)
        arrows.append(
            arrow.encode(x=x, y=place, color=color, tooltip=tips)
            .transform_filter(f"isValid(datum.{beyond})")
            .transform_calculate(edge=str(at))
        )
    return arrows


def _events(
    rows: Rows, domain: tuple[float, float], x: alt.X, y: alt.Y, color: Any
) -> list[alt.Chart]:
    """Return crosses at the lower edge where something went wrong; none where nothing did."""
    if not any("event" in row for row in rows):
        return []
    place = y.copy()
    place.shorthand = "edge:Q"
    tips = [
        alt.Tooltip("variant:N"),
        alt.Tooltip("seed:N"),
        alt.Tooltip("kimg:Q", format=",.4~g"),
        alt.Tooltip("event:N"),
        alt.Tooltip("message:N"),
    ]
    cross = alt.Chart().mark_point(shape="cross", angle=45, size=45, filled=True, opacity=0.9)
    return [
        cross.encode(x=x, y=place, color=color, tooltip=tips)
        .transform_filter("isValid(datum.event)")
        .transform_calculate(edge=str(domain[0]))
    ]


def _thin_and_thick(
    condition: str, encodings: Mapping[str, Any], *, points: bool = False
) -> list[alt.Chart]:
    """Return the lines of the seeds and the line of their mean, of the rows that qualify."""
    base = alt.Chart().encode(**encodings)
    thin = base.mark_line(strokeWidth=1, opacity=0.45).encode(detail=alt.Detail("seed:N"))
    point = {"size": 18, "opacity": 0.9} if points else False
    thick = base.mark_line(strokeWidth=2.5, point=point)
    return [
        thin.transform_filter(f"!datum.mean && {condition}"),
        thick.transform_filter(f"datum.mean && {condition}"),
    ]
