# SPDX-License-Identifier: MIT
"""What went wrong in which runs, and the best of each run next to its last."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from ganbench.analysis import number_text
from ganbench.analysis.event_counts import EventCount, event_counts, with_health
from ganbench.analysis.selection import MOST_NUMBERS, MOST_ROWS
from ganbench.analysis.tables import VariantRow, estimate
from ganbench.config import counted, join_words
from ganbench.health.watch import DETECTORS, dated_message, event_title
from ganbench.records.json_values import as_mapping, as_number, as_text
from ganbench.records.measurement import Measurement
from ganbench.records.run_record import RunRecord
from ganbench.report import notes, sentences
from ganbench.report.content_blocks import (
    Block,
    Bullets,
    Column,
    Definitions,
    Details,
    Heading,
    Item,
    Paragraph,
    Row,
    Span,
    Table,
    TextCell,
)
from ganbench.report.dataset.dataset_section import DatasetSection

MANY = 24
"""Of more variants than this, only those with an event are listed."""


def health_blocks(section: DatasetSection) -> list[Block]:
    """Return how many runs had which trouble, what it means, and each event of each run.

    There is nothing where the runs are older than the record of their health.
    """
    runs = _watched(section.table.rows)
    if not runs:
        return []
    counts = event_counts(section.table.rows)
    blocks: list[Block] = [Heading("Health of the runs")]
    if not counts:
        return [*blocks, Paragraph(_all_well(counted(len(runs), "run"), runs))]
    events = list(dict.fromkeys(count.event for count in counts))
    columns = (Column("variant", number=False), Column("runs"), *map(_column, events))
    rows, quiet = _split(section.table.rows, counts)
    blocks.append(
        Table(f"Events on {section.dataset}", columns, tuple(_rows(section, rows, counts, events)))
    )
    if others := _watched(quiet):
        which = f"the {counted(len(others), 'run')} of the other variants"
        blocks.append(Paragraph(_all_well(which, others)))
    explained = tuple(
        (DETECTORS[name].title, f"{DETECTORS[name].meaning} {DETECTORS[name].advice}".strip())
        for name in events
        if name in DETECTORS
    )
    listed = [
        Item((Span(run.name, code=True), f" {dated_message(event)}"))
        for run in runs
        for event in run.events
    ]
    return [
        *blocks,
        Paragraph(notes.HEALTH_NOTE),
        Definitions(explained),
        Details(
            "Event by event",
            (
                Bullets(tuple(listed[:MOST_NUMBERS])),
                *map(Paragraph, sentences.first_of(len(listed), MOST_NUMBERS, "events")),
            ),
        ),
    ]


def _watched(rows: Sequence[VariantRow]) -> list[RunRecord]:
    """Return the runs of some variants that are over and recorded their health."""
    return with_health([run for row in rows for run in row.runs])


def _split(
    rows: Sequence[VariantRow], counts: Sequence[EventCount]
) -> tuple[list[VariantRow], list[VariantRow]]:
    """Return the variants to list, and the others: where there are many, those without events."""
    if len(rows) <= MANY:
        return list(rows), []
    troubled = {count.variant for count in counts}
    return (
        [row for row in rows if row.variant in troubled],
        [row for row in rows if row.variant not in troubled],
    )


def _column(event: str) -> Column:
    return Column(event_title(event))


def _all_well(which: str, runs: Sequence[RunRecord]) -> str:
    """Return that no event was found in some runs, and what was not looked for in all of them."""
    unchecked = dict.fromkeys(
        str(name) for run in runs for name in as_mapping(run.health.get("unchecked"))
    )
    found = f"No event was found in {which}."
    if not unchecked:
        return found
    names = join_words(event_title(name) for name in unchecked)
    return f"{found} Not looked for in all of them, for lack of what it takes: {names}."


def _rows(
    section: DatasetSection,
    listed: Sequence[VariantRow],
    counts: Sequence[EventCount],
    events: Sequence[str],
) -> list[Row]:
    """Return a row for each variant with a watched run: how many of them had which event."""
    by_key = {(count.variant, count.event): count for count in counts}
    rows = []
    for row in listed[:MOST_ROWS]:
        if runs := with_health(row.runs):
            cells = [_cell(by_key.get((row.variant, event)), runs, event) for event in events]
            name = TextCell(row.variant, style=section.styles[row.variant])
            rows.append(Row((name, TextCell(str(len(runs))), *cells)))
    return rows


def _cell(count: EventCount | None, runs: Sequence[RunRecord], event: str) -> TextCell:
    """Return how many of a variant's runs had an event, and in how many nobody could look for it.

    There is no number where no run has records that could show the event.
    """
    unchecked = sum(event in as_mapping(run.health.get("unchecked")) for run in runs)
    missing = (f"not looked for in {unchecked}",) if unchecked else ()
    if count is None:
        return TextCell() if unchecked == len(runs) else TextCell("0", notes=missing)
    since = f"from {number_text.amount(count.kimg)} kimg"
    return TextCell(str(count.count), notes=(f"{since}, {count.lasting} to the end", *missing))


def best_blocks(section: DatasetSection) -> list[Block]:
    """Return the last and the best evaluation of each variant's runs, by the metric that chose."""
    rows = [line for row in section.table.rows[:MOST_ROWS] for line in _best_rows(section, row)]
    if not rows:
        return []
    heads = ("last", "best", "best at, kimg", "runs")
    columns = (Column("variant", number=False), Column("by", number=False), *map(Column, heads))
    table = Table(f"Last and best on {section.dataset}", columns, tuple(rows))
    return [Details("Last and best", (table, Paragraph(notes.BEST_NOTE)))]


def _best_rows(section: DatasetSection, row: VariantRow) -> list[Row]:
    """Return a row for each metric that chose the best evaluation of a run of the variant."""
    rows = []
    chosen = [run for run in row.runs if run.counted and run.best]
    for metric in dict.fromkeys(as_text(run.best.get("metric")) for run in chosen):
        runs = [run for run in chosen if _last_and_best(run, metric)]
        best = estimate(_best_value(run, metric) for run in runs)
        last = estimate(run.metrics[metric].value for run in runs)
        kimg = [number for run in runs if (number := as_number(run.best.get("kimg"))) is not None]
        if best is None or last is None or not kimg:
            continue
        means = (TextCell(number_text.estimate_text(mean)) for mean in (last, best))
        facts = (number_text.amount(median(kimg)), str(len(runs)))
        name = TextCell(row.variant, style=section.styles[row.variant])
        rows.append(Row((name, TextCell(metric), *means, *map(TextCell, facts))))
    return rows


def _last_and_best(run: RunRecord, metric: str) -> bool:
    """Tell whether a metric chose the best evaluation of a run, and the last has a value, too."""
    return (
        run.best.get("metric") == metric
        and _best_value(run, metric) is not None
        and run.metrics.get(metric, Measurement(None)).value is not None
    )


def _best_value(run: RunRecord, metric: str) -> float | None:
    """Return the value of a run's best evaluation on the samples that it is reported on."""
    return Measurement.read(as_mapping(run.best.get("metrics")).get(metric)).value
