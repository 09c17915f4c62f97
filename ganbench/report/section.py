# SPDX-License-Identifier: MIT
"""What a report says of one dataset, gathered before any of it is rendered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ganbench.records.record import RunRecord
from ganbench.report.budgets import EqualBudgets, equal_budgets
from ganbench.report.charts import Panel, Rows, curve_panel, dots_panel, loss_panel
from ganbench.report.comparison import Comparison, baseline_names, compare_to
from ganbench.report.numbers import arrow
from ganbench.report.pictures import slug, unique
from ganbench.report.published import PublishedRow
from ganbench.report.series import (
    dot_rows,
    floor_in_sight,
    log_ticks,
    loss_rows,
    metric_rows,
)
from ganbench.report.style import Style
from ganbench.report.tables import MetricColumn, MetricTable, VariantRow, datasets, metric_table


@dataclass(frozen=True)
class Section:
    """One dataset: its tables, its charts in rows, and the data that the charts name."""

    dataset: str
    slug: str
    table: MetricTable
    comparisons: tuple[Comparison, ...]
    budgets: tuple[EqualBudgets, ...]
    published: tuple[PublishedRow, ...]
    styles: Mapping[str, Style]
    data: Mapping[str, Rows]
    dots: tuple[Panel, ...]
    curves: tuple[tuple[Panel, Panel], ...]
    losses: tuple[tuple[Panel, ...], ...]
    environments: tuple[str, ...]

    @property
    def runs(self) -> tuple[RunRecord, ...]:
        """Every run on the dataset."""
        return tuple(run for row in self.table.rows for run in row.runs)


def sections(
    runs: Sequence[RunRecord],
    published: Sequence[PublishedRow],
    drawn: Mapping[str, Style],
    baseline: str | None,
) -> list[Section]:
    """Return one section for each dataset, in the order in which the runs come."""
    taken: set[str] = set()
    return [
        _section(runs, dataset, unique(slug(dataset), dataset, taken), published, drawn, baseline)
        for dataset in datasets(runs)
    ]


def _section(
    runs: Sequence[RunRecord],
    dataset: str,
    name: str,
    published: Sequence[PublishedRow],
    drawn: Mapping[str, Style],
    baseline: str | None,
) -> Section:
    table = metric_table(runs, dataset)
    here = {row.variant: drawn[row.variant] for row in table.rows}
    data: dict[str, Rows] = {}
    known = baseline if baseline in baseline_names([table]) else None
    used = dict.fromkeys(
        run.environment_id for row in table.rows for run in row.runs if run.environment_id
    )
    return Section(
        dataset=dataset,
        slug=name,
        table=table,
        comparisons=tuple(compare_to(table, known)),
        budgets=tuple(equal_budgets(table)),
        published=tuple(row for row in published if row.dataset == dataset.split(" (")[0]),
        styles=here,
        data=data,
        dots=_dots(table, name, here, data),
        curves=_curves(table, name, here, data),
        losses=tuple(_losses(row, f"{name}-{index}", data) for index, row in enumerate(table.rows)),
        environments=tuple(used),
    )


def heading(column: MetricColumn) -> str:
    """Return a column's heading: name, unit, and the arrow of the better direction."""
    unit = f" ({column.unit})" if column.unit else ""
    return f"{column.name}{unit} {arrow(column.better)}".strip()


def _dots(
    table: MetricTable, name: str, drawn: Mapping[str, Style], data: dict[str, Rows]
) -> tuple[Panel, ...]:
    panels = []
    for index, column in enumerate(table.columns):
        rows = dot_rows(table, column)
        if not rows:
            continue
        key = f"{name}-dots-{index}"
        data[key] = rows
        there = {row["variant"] for row in rows}
        floor = table.floors.get(column.name)
        if floor is not None and not floor_in_sight(rows, ("value", "low", "high"), floor):
            floor = None
        shown = {variant: style for variant, style in drawn.items() if variant in there}
        panels.append(dots_panel(key, heading(column), shown, floor))
    return tuple(panels)


def _curves(
    table: MetricTable, name: str, drawn: Mapping[str, Style], data: dict[str, Rows]
) -> tuple[tuple[Panel, Panel], ...]:
    """Return for each metric the panel against kimg and that against seconds."""
    fields = {f"m{index}": column for index, column in enumerate(table.columns)}
    key = f"{name}-curves"
    rows = metric_rows(table, fields)
    data[key] = rows
    pairs = []
    for field, column in fields.items():
        # One measurement is a result, not a course: there is nothing to draw.
        if len({row["kimg"] for row in rows if field in row}) < 2:
            continue
        ticks = log_ticks(rows, field) if column.better == "lower" else []
        floor = table.floors.get(column.name)
        if floor is not None and not floor_in_sight(rows, (field,), floor, log=bool(ticks)):
            floor = None
        title = heading(column) + (", logarithmic" if ticks else "")
        by_kimg, by_seconds = (
            curve_panel(
                key, field, title, axis, drawn, ticks=ticks, floor=floor, legend=axis == "kimg"
            )
            for axis in ("kimg", "seconds")
        )
        pairs.append((by_kimg, by_seconds))
    return tuple(pairs)


def _losses(row: VariantRow, name: str, data: dict[str, Rows]) -> tuple[Panel, ...]:
    """Return a variant's panel of losses and that of logits, as far as they were recorded."""
    recorded = dict.fromkeys(curve.name for run in row.runs for curve in run.losses)
    names = {f"l{index}": curve for index, curve in enumerate(recorded)}
    rows = loss_rows(row, names)
    if not rows:
        return ()
    key = f"{name}-losses"
    data[key] = rows
    panels = []
    for what in ("loss", "logits"):
        series = {_series(curve): field for field, curve in names.items() if _is(curve, what)}
        if series:
            panels.append(loss_panel(key, f"{row.variant}: {_WHAT[what]}", series))
    return tuple(panels)


_WHAT = {"loss": "losses", "logits": "logits of the discriminator"}


def _is(curve: str, what: str) -> bool:
    return curve.startswith(f"{what}/")


def _series(curve: str) -> str:
    """Return what a recorded name is called in a legend.

    >>> _series("loss/discriminator/gradient-penalty"), _series("logits/real")
    ('discriminator: gradient-penalty', 'real')
    """
    _, _, rest = curve.partition("/")
    player, _, term = rest.partition("/")
    return player if term in {"", "adversarial"} else f"{player}: {term}"
