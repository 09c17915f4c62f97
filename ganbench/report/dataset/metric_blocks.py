# SPDX-License-Identifier: MIT
"""Every variant by every metric: means, single measurements, protocols, equal budgets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ganbench.analysis import number_text
from ganbench.analysis.best_mean import Support, best_support
from ganbench.analysis.equal_budgets import Budget
from ganbench.analysis.published import PublishedRow
from ganbench.analysis.selection import MOST_NUMBERS, MOST_ROWS
from ganbench.analysis.stats import Estimate
from ganbench.analysis.tables import MetricColumn, TableCell, VariantRow, heading
from ganbench.config import counted
from ganbench.records.run_record import RunRecord
from ganbench.report import notes, sentences
from ganbench.report.content_blocks import (
    Block,
    Bullets,
    Charts,
    Column,
    Definitions,
    Details,
    Heading,
    Item,
    Paragraph,
    Row,
    Span,
    Table,
    Text,
    TextCell,
)
from ganbench.report.dataset.dataset_section import DatasetSection
from ganbench.report.settings_text import subtitle

_COSTS = ("kimg", "training, s", "images/s", "parameters\nG / D")


def metric_blocks(section: DatasetSection) -> list[Block]:
    """Return the table of every variant, the notes on published rows, and the chart of seeds."""
    blocks: list[Block] = [Heading("Every variant")] if section.verdicts else []
    blocks.append(_metric_table(section))
    if section.published:
        listed = tuple(Item(_published_note(row, section)) for row in section.published)
        blocks.append(Bullets(listed, role="notes"))
    if section.dots:
        charts = Charts(
            f"{section.slug}-metrics",
            f"Metrics on {section.dataset}, seed by seed",
            section.dots,
            layout="three",
            width=230,
        )
        note = [notes.DOTS_NOTE, *([notes.FLOOR_NOTE] if section.table.floors else [])]
        blocks += [Heading("Seed by seed"), charts, Paragraph(" ".join(note))]
    if section.costs:
        charts = Charts(
            f"{section.slug}-costs",
            f"Quality against cost on {section.dataset}",
            section.costs,
            layout="two",
            width=360,
            legend=tuple((name, section.styles[name]) for name in section.chosen.variants),
        )
        costs_note = f"{notes.COSTS_NOTE} {sentences.times_varied(section.table.rows)}".strip()
        blocks += [Heading("Quality against cost"), charts, Paragraph(costs_note)]
    return blocks


def _metric_table(section: DatasetSection) -> Table:
    """Return a row for each variant; the floor and published rows stand below."""
    table = section.table
    columns = (
        Column("variant", number=False),
        *(Column(heading(column)) for column in table.columns),
        Column("runs", number=False),
        *map(Column, _COSTS),
    )
    support = {column.name: best_support(table, column) for column in table.columns}
    rows = [_variant_row(row, section, support) for row in table.rows[:MOST_ROWS]]
    blank = TextCell("", span=1 + len(_COSTS))
    if table.floors:
        floors = [
            TextCell(number_text.amount(table.floors.get(column.name))) for column in table.columns
        ]
        name = TextCell("real data", notes=("the floor",))
        rows.append(Row((name, *floors, blank), reference=True))
    for number, published in enumerate(section.published, 1):
        name = TextCell(published.model, notes=(f"published, note {number}",))
        printed = [
            TextCell(published.metrics.get(column.metric, number_text.NOTHING))
            for column in table.columns
        ]
        rows.append(Row((name, *printed, blank), reference=True))
    return Table(f"Metrics on {section.dataset}", columns, tuple(rows), mark="explore")


def _variant_row(row: VariantRow, section: DatasetSection, support: Mapping[str, Support]) -> Row:
    under = subtitle(row.runs[0].config, row.variant)
    spent = (row.kimg, row.seconds, row.images_per_second)
    return Row(
        (
            TextCell(row.variant, (under,) if under else (), style=section.styles[row.variant]),
            *(
                _metric_cell(row.cells.get(column.name), column, support[column.name])
                for column in section.table.columns
            ),
            TextCell(sentences.statuses(row.statuses), mark="statuses"),
            *(
                TextCell(
                    number_text.amount(mean.value if mean else None),
                    value=mean.value if mean else None,
                )
                for mean in spent
            ),
            TextCell(
                sentences.parameters_text(row),
                value=next(
                    (sum(run.parameters.values()) for run in row.runs if run.parameters), None
                ),
            ),
        ),
        command=row.runs[0].command,
        variant=row.variant,
    )


def _metric_cell(cell: TableCell | None, column: MetricColumn, support: Support) -> TextCell:
    """Return a mean with its interval; the best mean is bold where a test supports it."""
    if cell is None:
        return TextCell(mark="none")
    shown = _estimate_cell(cell.estimate, cell.runs)
    if not cell.best or support == "shared":
        return shown
    if support == "significant":
        mean = Span(number_text.mean_text(cell.estimate), strong=True)
        return replace(shown, text=(mean,), mark="best")
    rank = "lowest" if column.better == "lower" else "highest"
    return replace(shown, notes=(*shown.notes, f"{rank}, {support}"))


def _estimate_cell(estimate: Estimate | None, runs: int) -> TextCell:
    """Return a mean with its interval, and of how many runs it is where some have no value."""
    if estimate is None:
        return TextCell()
    some = f"{estimate.n} of {runs}" if estimate.n != runs else ""
    under = tuple(filter(None, (number_text.scatter_text(estimate), some)))
    return TextCell((number_text.mean_text(estimate),), notes=under, value=estimate.value)


def _published_note(published: PublishedRow, section: DatasetSection) -> Text:
    """Return where a published row was printed, how it differs, and what else was printed."""
    measured = {column.metric for column in section.table.columns}
    source = Span(published.source, link=sentences.paper_address(published.source))
    others = ", ".join(
        f"{name} {value}" for name, value in published.metrics.items() if name not in measured
    )
    also = f" Also printed there: {others}." if others else ""
    return (source, f". {published.differs}{also}")


def budget_blocks(section: DatasetSection) -> list[Block]:
    """Return the metrics at the same time and at the same kimg."""
    budgets = section.budgets
    if not budgets:
        return []
    time = budgets[0].time
    columns = [Column("variant", number=False)]
    for budget in budgets:
        name = heading(budget.column)
        columns += [
            Column(f"at {number_text.amount(budget.time.limit)} s", group=name),
            Column(f"at {number_text.amount(budget.kimg.limit)} kimg", group=name),
        ]
    columns.append(Column(f"kimg at\n{number_text.amount(time.limit)} s"))
    rows = [
        Row(
            (
                TextCell(row.variant, style=section.styles[row.variant]),
                *(
                    _budget_cell(side, row.variant)
                    for budget in budgets
                    for side in (budget.time, budget.kimg)
                ),
                TextCell(number_text.amount(time.kimg.get(row.variant))),
            )
        )
        for row in section.table.rows
        if row.cells
    ]
    return [
        Heading("At the same time, at the same kimg"),
        Table(f"Equal budgets on {section.dataset}", tuple(columns), tuple(rows)),
        Paragraph(
            f"{sentences.budgets_note(budgets)} "
            f"{sentences.times_varied(section.table.rows)}".strip()
        ),
    ]


def _budget_cell(budget: Budget, variant: str) -> TextCell:
    return _estimate_cell(budget.values.get(variant), budget.runs.get(variant, 0))


def measurement_blocks(section: DatasetSection, recordings: Mapping[str, str]) -> list[Block]:
    """Return every run's measurements and the protocols of the metrics, folded.

    Args:
        section: The dataset.
        recordings: The links to the pages that play runs, by the names of the runs.
    """
    metrics = section.table.columns
    columns = (
        Column("variant", number=False),
        Column("seed"),
        Column("status", number=False),
        *(Column(heading(column)) for column in metrics),
        Column("kimg"),
        Column("training, s"),
        Column("environment", number=False),
    )
    runs = [(row, run) for row in section.table.rows for run in row.runs]
    rows = tuple(
        _run_row(row, run, metrics, recordings.get(run.name, ""))
        for row, run in runs[:MOST_NUMBERS]
    )
    table = Table(f"Every number on {section.dataset}", columns, rows)
    return [
        Details("Every number", (table, Paragraph(notes.MEASUREMENTS_NOTE))),
        Details("Protocols", (_protocols(section),)),
    ]


def _run_row(
    row: VariantRow, run: RunRecord, metrics: tuple[MetricColumn, ...], recording: str
) -> Row:
    repeats = f"{counted(run.repeats, 'repeat')} set aside"
    cells = [row.cells.get(column.name) for column in metrics]
    status: tuple[str | Span, ...] = (sentences.status_text(run.status),)
    if recording:
        status += (", ", Span("watch it", link=recording))
    return Row(
        (
            TextCell(row.variant),
            TextCell(number_text.NOTHING if run.seed is None else str(run.seed)),
            TextCell(status, notes=(repeats,) if run.repeats else ()),
            *(
                TextCell(sentences.measured_text(cell.of(run.name) if cell else None))
                for cell in cells
            ),
            TextCell(number_text.amount(run.kimg, 4)),
            TextCell(number_text.amount(run.seconds, 4)),
            TextCell((Span(run.environment_id or number_text.NOTHING, code=True),)),
        )
    )


def _protocols(section: DatasetSection) -> Definitions:
    """Return how each metric was measured, from one of its measurements."""
    pairs = []
    for column in section.table.columns:
        example = section.table.example(column)
        parts = [column.protocol or "not recorded"]
        if example and example.n:
            parts.append(counted(example.n, "sample"))
        if example and example.note:
            parts.append(example.note)
        if example and example.floor_note:
            parts.append(f"floor: {example.floor_note}")
        pairs.append((column.name, "; ".join(parts)))
    return Definitions(tuple(pairs) or (("no metric was measured", number_text.NOTHING),))
