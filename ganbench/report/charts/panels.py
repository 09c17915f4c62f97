# SPDX-License-Identifier: MIT
"""Charts as Vega-Lite: for the page with shared data by name, for still pictures with their own."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import vl_convert

from ganbench.report.charts.style import OKABE_ITO, Style, theme

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Panel:
    """One chart in Vega-Lite and the name of its data; ``legend`` is shown in still pictures.

    On the page a legend beside many panels is HTML, unless it is the panel's ``own``.
    """

    view: Mapping[str, Any]
    data: str
    own_legend: bool = False

    def page(self) -> dict[str, Any]:
        """Return the specification for the page: as wide as its place, ink as the text's."""
        view = dict(self.view) if self.own_legend else _without_legends(self.view)
        return {**view, "width": "container", "config": theme("currentColor")}


def layered(
    layers: Sequence[alt.Chart],
    data: str,
    title: str,
    height: int,
    *,
    own_legend: bool = False,
    independent_axis: bool = False,
) -> Panel:
    """Return layers over named data as a panel; on request with a y axis at either side."""
    chart = alt.layer(*layers, data=alt.NamedData(name=data)).properties(title=title, height=height)
    if independent_axis:
        chart = chart.resolve_axis(y="independent")
    view = chart.to_dict(validate=False)  # each channel was validated when it was made
    return Panel(
        {key: view[key] for key in view if key not in {"$schema", "config"}}, data, own_legend
    )


def _without_legends(value: Any) -> Any:
    """Return a specification in which no legend is drawn."""
    if isinstance(value, Mapping):
        return {
            key: None if key == "legend" else _without_legends(inner)
            for key, inner in value.items()
        }
    return [_without_legends(inner) for inner in value] if isinstance(value, list) else value


def still(rows: Iterable[Sequence[Panel]], data: Mapping[str, Rows], width: int) -> str:
    """Return panels in rows as one SVG, dark on white."""
    lines = [list(line) for line in rows]
    panels = [panel for line in lines for panel in line]
    datasets = {panel.data: data[panel.data] for panel in panels}
    for panel in panels:  # what altair has moved out of the layers, such as a floor's one row
        datasets |= panel.view.get("datasets", {})
    own = any(panel.own_legend for panel in panels)
    resolve = {"scale": {"color": "independent" if own else "shared"}}
    specification = {
        "$schema": alt.SCHEMA_URL,
        "vconcat": [
            {
                "hconcat": [{**panel.view, "width": width} for panel in line],
                "spacing": 32,
                "resolve": resolve,
            }
            for line in lines
        ],
        "resolve": resolve,
        "spacing": 28,
        "padding": 12,
        "datasets": datasets,
        "config": theme("#333333"),
    }
    svg: str = vl_convert.vegalite_to_svg(json.dumps(specification))
    return svg


def color_encodings(
    drawn: Mapping[str, Style], *, legend: bool, columns: int = 4
) -> dict[str, Any]:
    """Return the encodings that tell variants apart."""
    names = list(drawn)
    shown = alt.Legend(title=None, orient="bottom", columns=columns) if legend else None
    encodings: dict[str, Any] = {
        "color": alt.Color(
            "variant:N",
            scale=alt.Scale(domain=names, range=[drawn[name].color for name in names]),
            legend=shown,
        )
    }
    if len(names) > len(OKABE_ITO):
        dashes = [list(drawn[name].dash) for name in names]
        encodings["strokeDash"] = alt.StrokeDash(
            "variant:N", scale=alt.Scale(domain=names, range=dashes), legend=shown
        )
    return encodings


def dots_panel(data: str, title: str, drawn: Mapping[str, Style], floor: float | None) -> Panel:
    """Every seed a dot, the mean a diamond, its interval a bar; the floor a dashed line.

    The data's rows have variant, and either seed and value, or mean, low and high.
    """
    base = alt.Chart()
    y = alt.Y("variant:N", sort=list(drawn), title=None, axis=alt.Axis(grid=False))
    scale = alt.Scale(zero=False, padding=12)
    color = {"color": color_encodings(drawn, legend=False)["color"]}
    tips = [alt.Tooltip("variant:N"), alt.Tooltip("seed:N"), alt.Tooltip("value:Q", format=".5~g")]
    span = [
        alt.Tooltip("variant:N"),
        *(alt.Tooltip(f"{name}:Q", format=".5~g") for name in ("mean", "low", "high")),
    ]
    layers = [
        base.mark_rule(strokeWidth=4, opacity=0.35, strokeCap="round").encode(
            x=alt.X("low:Q", scale=scale, title=None), x2="high:Q", y=y, tooltip=span, **color
        ),
        base.mark_point(shape="circle", size=40, strokeWidth=1.4, opacity=0.9).encode(
            x=alt.X("value:Q", scale=scale, title=None), y=y, tooltip=tips, **color
        ),
        base.mark_point(shape="diamond", size=110, filled=True, opacity=1).encode(
            x=alt.X("mean:Q", scale=scale, title=None), y=y, tooltip=span, **color
        ),
    ]
    if floor is not None:
        layers.append(_floor_rule("x", floor))
    return layered(layers, data, title, 30 * len(drawn) + 10)


def curve_panel(
    data: str,
    field: str,
    title: str,
    axis: str,
    drawn: Mapping[str, Style],
    *,
    ticks: Sequence[float],
    floor: float | None,
    legend: bool = False,
    domain: tuple[float, float] | None = None,
) -> Panel:
    """A metric along training: every seed a thin line, their mean a thick one in its band.

    The data's rows have variant, seed, kimg, seconds, the metric as ``field``, and mean, which
    is true for the rows of the mean; those have the band's ends too. With ``ticks`` the values
    stand on a logarithmic axis. ``domain`` is what the axis shows of the values.
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
        **color_encodings(drawn, legend=legend),
    }
    band = _band(field, encodings["x"], y).encode(color=encodings["color"])
    layers = [band, *_thin_and_thick(f"isValid(datum.{field})", encodings, points=True)]
    if floor is not None:
        layers.append(_floor_rule("y", floor))
    return layered(layers, data, title, 190)


def multiple_panel(
    data: str,
    field: str,
    variant: str,
    baseline: str | None,
    *,
    color: str,
    ticks: Sequence[float],
    domain: tuple[float, float],
    title: str,
) -> Panel:
    """One of many panels alike: a variant along training, its baseline in gray behind.

    The data are those of ``curve_panel``; all panels show the same ``domain``.
    """
    y = _value_axis(field, ticks, domain)
    x = alt.X("kimg:Q", title=None, axis=alt.Axis(grid=False, tickCount=3))
    layers: list[alt.Chart] = []
    inks = {baseline: BEHIND, variant: color} if baseline else {variant: BEHIND}
    for name, ink in inks.items():
        # A JSON string is also a string in a Vega expression, whatever the name holds.
        own = f"datum.variant === {json.dumps(name)} && isValid(datum.{field})"
        tips = [
            alt.Tooltip("variant:N"),
            alt.Tooltip("seed:N"),
            alt.Tooltip("kimg:Q", format=",.4~g"),
            alt.Tooltip(f"{field}:Q", title="value", format=".5~g"),
        ]
        there = {"x": x, "y": y, "color": alt.value(ink), "tooltip": tips}
        lines = _thin_and_thick(own, there, points=name == variant)
        band = _band(field, x, y).encode(color=alt.value(ink)).transform_filter(own)
        layers += [band, lines[1]] if name != variant else [band, *lines]
    return layered(layers, data, title, 110)


BEHIND = "#8C8C8C"


def _value_axis(field: str, ticks: Sequence[float], domain: tuple[float, float] | None) -> alt.Y:
    """Return the axis of a metric's values, logarithmic where there are ticks for that."""
    shown: dict[str, Any] = {"domain": list(domain), "nice": False} if domain else {}
    scale = alt.Scale(type="log", **shown) if ticks else alt.Scale(zero=False, **shown)
    within = [tick for tick in ticks if domain is None or domain[0] <= tick <= domain[1]]
    axis = alt.Axis(values=within or list(ticks)) if ticks else alt.Axis(tickCount=4)
    return alt.Y(f"{field}:Q", title=None, scale=scale, axis=axis)


def _band(field: str, x: alt.X, y: alt.Y) -> alt.Chart:
    """Return the interval of the mean as an area.

    Its rows are cut off at the ends of the axis (``clip_bands``): clipping in the picture would
    number its clips on from picture to picture, and the same report would have other bytes.
    """
    low = y.copy()
    low.shorthand = f"{field}_low:Q"
    area = alt.Chart().mark_area(opacity=0.16, strokeWidth=0)
    band: alt.Chart = area.encode(x=x, y=low, y2=f"{field}_high:Q").transform_filter(
        f"datum.mean && isValid(datum.{field}_low)"
    )
    return band


def loss_panel(data: str, title: str, series: Mapping[str, str]) -> Panel:
    """Losses or logits of one variant against kimg; ``series`` maps what each is to its field."""
    names = list(series)
    scale = alt.Scale(domain=names, range=list(OKABE_ITO[: len(names)]))
    shown = alt.Legend(title=None, orient="bottom", columns=2, labelLimit=180)
    layers: list[alt.Chart] = []
    for name, field in series.items():
        encodings = {
            "x": alt.X(
                "kimg:Q", title="thousands of images", axis=alt.Axis(grid=False, tickCount=5)
            ),
            "y": alt.Y(f"{field}:Q", title=None, axis=alt.Axis(tickCount=5)),
            "color": alt.Color("series:N", scale=scale, legend=shown),
            "tooltip": [
                alt.Tooltip("seed:N"),
                alt.Tooltip("kimg:Q", format=",.4~g"),
                alt.Tooltip(f"{field}:Q", title=_plain(name), format=".4~g"),
            ],
        }
        lines = _thin_and_thick(f"isValid(datum.{field})", encodings)
        # A JSON string is also a string in a Vega expression, whatever the name holds.
        layers += [line.transform_calculate(series=json.dumps(name)) for line in lines]
    return layered(layers, data, title, 170, own_legend=True)


def _thin_and_thick(
    there: str, encodings: Mapping[str, Any], *, points: bool = False
) -> list[alt.Chart]:
    """Return the lines of the seeds and that of their mean."""
    base = alt.Chart().encode(**encodings)
    thin = base.mark_line(strokeWidth=1, opacity=0.45).encode(detail="seed:N")
    point = {"size": 18, "opacity": 0.9} if points else False
    thick = base.mark_line(strokeWidth=2.5, point=point)
    return [
        thin.transform_filter(f"!datum.mean && {there}"),
        thick.transform_filter(f"datum.mean && {there}"),
    ]


def _floor_rule(channel: str, floor: float) -> alt.Chart:
    """Return a dashed line at the value of real against real data."""
    rule = alt.Chart(alt.InlineData(values=[{}])).mark_rule(strokeDash=[4, 4], opacity=0.6)
    at: alt.Chart = rule.encode(
        **{channel: alt.XDatum(floor) if channel == "x" else alt.YDatum(floor)},
        color=alt.value("#8C8C8C"),
    )
    return at


def _plain(name: str) -> str:
    """Return a name that Vega-Lite takes as a title and nothing more."""
    return name.replace("\n", " ")


def bundle() -> str:
    """Return vega, vega-lite and vega-embed as one script, fit to stand inside a page."""
    # With no snippet the bundle is ready-made; the package's own type stub lacks that default.
    script: str = vl_convert.javascript_bundle()  # type: ignore[call-arg]
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")
