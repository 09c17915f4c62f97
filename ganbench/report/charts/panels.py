# SPDX-License-Identifier: MIT
"""One chart in Vega-Lite with its data: what the page draws, and what still pictures show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from ganbench.report.charts.style import Style, theme

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class ChartData:
    """The rows that one or more panels draw, and the name by which a page refers to them."""

    name: str
    rows: Rows


@dataclass(frozen=True)
class Panel:
    """One chart in Vega-Lite and its data.

    Still pictures show the legend of the specification. On the page one HTML legend serves many
    panels, unless the panel has its ``own_legend``.
    """

    view: Mapping[str, Any]
    data: ChartData
    own_legend: bool = False

    @property
    def title(self) -> str:
        """The title of the chart."""
        return str(self.view["title"])

    def page(self) -> dict[str, Any]:
        """Return the specification for the page: as wide as its place, in the color of the text."""
        view = dict(self.view) if self.own_legend else _without_legends(self.view)
        return {**view, "width": "container", "config": theme("currentColor")}


def layered(
    layers: Sequence[alt.Chart],
    data: ChartData,
    title: str,
    height: int,
    *,
    own_legend: bool = False,
    independent_axis: bool = False,
) -> Panel:
    """Return layers over the same data as one panel.

    Args:
        layers: The layers, the lowest first.
        data: The rows that all layers draw.
        title: The title above the chart.
        height: The height of the plot in pixels.
        own_legend: Whether the page shows the legend of the specification.
        independent_axis: Whether layers have y axes of their own, one at either side.
    """
    chart = alt.layer(*layers, data=alt.NamedData(name=data.name))
    chart = chart.properties(title=title, height=height)
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


def color_encodings(
    drawn_styles: Mapping[str, Style], *, legend: alt.Legend | None, field: str = "variant"
) -> dict[str, Any]:
    """Return the encodings that tell lines apart: colors, and dashes where colors repeat.

    Args:
        drawn_styles: How each is drawn, by the values of the field.
        legend: The legend, if there is one.
        field: What tells the lines apart: variants, or series of losses.
    """
    names = list(drawn_styles)
    colors = [style.color for style in drawn_styles.values()]
    encodings: dict[str, Any] = {
        "color": alt.Color(f"{field}:N", scale=alt.Scale(domain=names, range=colors), legend=legend)
    }
    if not all(style.solid for style in drawn_styles.values()):
        dashes = [list(style.dash) for style in drawn_styles.values()]
        encodings["strokeDash"] = alt.StrokeDash(
            f"{field}:N", scale=alt.Scale(domain=names, range=dashes), legend=legend
        )
    return encodings


def shape_encoding(drawn_styles: Mapping[str, Style]) -> alt.Shape:
    """Return the encoding of the shapes of variants' dots."""
    shapes = [style.shape for style in drawn_styles.values()]
    scale = alt.Scale(domain=list(drawn_styles), range=shapes)
    return alt.Shape("variant:N", scale=scale, legend=None)


def floor_rule(channel: str, floor: float) -> alt.Chart:
    """Return a dashed line at the metric of real data compared with real data."""
    rule = alt.Chart(alt.InlineData(values=[{}])).mark_rule(strokeDash=[4, 4], opacity=0.6)
    line: alt.Chart = rule.encode(
        **{channel: alt.XDatum(floor) if channel == "x" else alt.YDatum(floor)},
        color=alt.value("#8C8C8C"),
    )
    return line
