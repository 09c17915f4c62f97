# SPDX-License-Identifier: MIT
"""Metrics during training: all variants in one chart, or one small chart for each variant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ganbench.analysis.tables import MetricColumn, MetricTable, VariantRow, heading
from ganbench.report.charts.axes import clip_bands, curve_domain, floor_in_sight, log_ticks
from ganbench.report.charts.chart_rows import event_rows, loss_rows, metric_rows
from ganbench.report.charts.curve_panels import curve_panel, loss_panel, multiple_panel
from ganbench.report.charts.panels import ChartData, Panel, Rows
from ganbench.report.charts.style import Style

MOST_TOGETHER = 5
"""More variants than this cannot be told apart in one chart: each gets its own panel."""


@dataclass(frozen=True)
class Course:
    """One metric along training.

    If the variants are drawn ``together``, its two panels, across kimg and across seconds, hold
    all of them. Otherwise there is a panel for each variant, with the baseline behind.
    """

    title: str
    panels: tuple[Panel, ...]
    together: bool


@dataclass(frozen=True)
class _Axis:
    """A metric, the field that holds it, and what the axis of its values shows.

    ``floor`` is None where there is none, or none in sight.
    """

    column: MetricColumn
    field: str
    ticks: Sequence[float]
    domain: tuple[float, float]
    floor: float | None

    @property
    def title(self) -> str:
        return heading(self.column) + (", logarithmic" if self.ticks else "")


def courses(
    table: MetricTable,
    name: str,
    variant_styles: Mapping[str, Style],
    baselines: Mapping[str, str],
    main: MetricColumn | None,
    *,
    main_only: bool = False,
) -> list[Course]:
    """Return the course of each metric that was measured during training, the main one first.

    Args:
        table: The runs that are drawn.
        name: What the name of the charts' data begins with.
        variant_styles: The variants that are drawn, and how.
        baselines: The baseline of each treatment, by their variants.
        main: The main metric.
        main_only: Whether to leave out all other metrics.
    """
    columns = sorted(table.columns, key=lambda column: column != main)
    fields = {
        f"m{index}": column for index, column in enumerate(columns[: 1 if main_only else None])
    }
    rows = metric_rows(table, fields)
    measured = {row["variant"] for row in rows}
    shown = {variant: style for variant, style in variant_styles.items() if variant in measured}
    together = len(shown) <= MOST_TOGETHER
    floors = table.floors if together else {}
    axes = [
        _axis(rows, field, column, floors.get(column.name))
        for field, column in fields.items()
        if _moves(rows, field)
    ]
    for axis in axes:
        rows = clip_bands(rows, axis.field, axis.domain)
    data = ChartData(f"{name}-curves", [*rows, *_shown_events(table, shown)])
    if together:
        return [_together(data, axis, shown) for axis in axes]
    return [_apart(data, axis, shown, baselines) for axis in axes]


def _shown_events(table: MetricTable, variants: Mapping[str, Style]) -> Rows:
    return [row for row in event_rows(table) if row["variant"] in variants]


def _moves(rows: Rows, field: str) -> bool:
    """Tell whether a metric was measured more than once: a single result has no course."""
    return len({row["kimg"] for row in rows if field in row}) > 1


def _axis(rows: Rows, field: str, column: MetricColumn, floor: float | None) -> _Axis:
    """Return the axis that shows every seed and mean, and the floor where it is near."""
    ticks = log_ticks(rows, field) if column.better == "lower" else []
    low, high = curve_domain(rows, field, log=bool(ticks))
    if floor is not None and not floor_in_sight(rows, (field,), floor, log=bool(ticks)):
        floor = None
    if floor is not None and not low < floor < high:
        low, high = curve_domain([*rows, {field: floor}], field, log=bool(ticks))
    return _Axis(column, field, ticks, (low, high), floor)


def _together(data: ChartData, axis: _Axis, variant_styles: Mapping[str, Style]) -> Course:
    """Return a panel across kimg and one across seconds, both with all variants."""
    panels = [
        curve_panel(
            data,
            axis.field,
            axis.title,
            across,
            variant_styles,
            ticks=axis.ticks,
            floor=axis.floor,
            domain=axis.domain,
            legend=across == "kimg",
        )
        for across in ("kimg", "seconds")
    ]
    return Course(axis.title, tuple(panels), together=True)


def _apart(
    data: ChartData, axis: _Axis, variants: Mapping[str, Style], baselines: Mapping[str, str]
) -> Course:
    """Return a panel for each variant."""
    panels = [
        multiple_panel(
            data,
            axis.field,
            variant,
            baselines.get(variant),
            ticks=axis.ticks,
            domain=axis.domain,
        )
        for variant in variants
    ]
    return Course(axis.title, tuple(panels), together=False)


_KINDS = {"loss": "losses", "logits": "logits of the discriminator"}


def loss_panels(row: VariantRow, name: str) -> list[Panel]:
    """Return a variant's panel of losses and its panel of logits, as far as they were recorded.

    Args:
        row: The variant.
        name: What the name of the charts' data begins with.
    """
    recorded = dict.fromkeys(curve.name for run in row.runs for curve in run.losses)
    fields = {f"l{index}": curve for index, curve in enumerate(recorded)}
    data = ChartData(f"{name}-losses", loss_rows(row, fields))
    if not data.rows:
        return []
    panels = []
    for kind, title in _KINDS.items():
        series = {
            _series(curve): field for field, curve in fields.items() if curve.startswith(f"{kind}/")
        }
        if series:
            panels.append(loss_panel(data, f"{row.variant}: {title}", series))
    return panels


def _series(curve: str) -> str:
    """Return what the legend calls a recorded loss or logit.

    >>> _series("loss/discriminator/gradient-penalty"), _series("logits/real")
    ('discriminator: gradient-penalty', 'real')
    """
    _, _, rest = curve.partition("/")
    player, _, term = rest.partition("/")
    return player if term in {"", "adversarial"} else f"{player}: {term}"
