# SPDX-License-Identifier: MIT
"""The results of ``ganbench compare``: verdicts, a table for each metric, JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from ganbench.analysis.best_mean import best_support
from ganbench.analysis.tables import MetricColumn, VariantRow
from ganbench.analysis.verdicts import JudgedDataset, JudgedMatrix, Verdict
from ganbench.cli.health_output import event_table
from ganbench.cli.output import (
    ARROWS,
    MOST_TABLE_ROWS,
    add_rest_row,
    console,
    duration,
    format_number,
    interval,
    print_json,
)
from ganbench.config import counted
from ganbench.harness.compare import comparison_document

if TYPE_CHECKING:
    from rich.table import Table

    from ganbench.harness.scheduler import CellState, Scheduler

_STYLES = {
    "helps": "green",
    "fails-less": "bold green",
    "hurts": "red",
    "fails": "bold red",
    "unclear": "dim",
}


_LEAST_COLUMNS = ("p, Holm", "n", "95 % interval", "difference")
"""What a narrow terminal shows last: the mean and the verdict stay."""


def print_results(
    scheduler: Scheduler,
    states: Sequence[CellState],
    compared: JudgedMatrix,
    beyond: Sequence[str],
    *,
    as_json: bool,
) -> None:
    """Print verdicts and a table for each metric, or all of it as JSON.

    Args:
        scheduler: knows where the cells are stored.
        states: of the cells, at the end.
        compared: the result of ``compared_datasets``.
        beyond: sentences about bounds that are passed.
        as_json: whether a JSON document is printed in place of tables.
    """
    if as_json:
        print_json(
            {
                **comparison_document(scheduler, states, compared),
                "worse_than_allowed": list(beyond),
            }
        )
        return
    screen = console()
    for dataset in compared.datasets:
        for column in dataset.table.columns:
            screen.print_table(_metric_table(dataset, column), least=_LEAST_COLUMNS)
    for dataset in compared.datasets:
        if (table := event_table(dataset.table)) is not None:
            screen.print_table(table, least=("from, kimg", "to the end"))
    for dataset in compared.datasets:
        _print_verdicts(dataset)
    if compared.scope:
        screen.print(compared.scope, style="dim")
        screen.print()
    trained = [state for state in states if state.record]
    total = sum(state.record.get("seconds") or 0 for state in trained)
    screen.print(f"{counted(len(trained), 'run')}, {duration(total)} of training.")
    if left := sum(state.status == "limited" for state in states):
        screen.print(
            f"{counted(left, 'cell')} {'is' if left == 1 else 'are'} left: "
            "repeat the command without --limit."
        )
    screen.print(f"A page of it: ganbench report {scheduler.out_as_typed}", soft_wrap=True)


def _print_verdicts(dataset: JudgedDataset) -> None:
    """Print a sentence for each treatment, about the primary metric."""
    if not dataset.on_main or dataset.main is None:
        return
    screen = console()
    screen.print(f"On {dataset.table.dataset}, by {dataset.main.name}", style="bold")
    for verdict in dataset.on_main:
        screen.print(verdict.sentence, style=_STYLES[verdict.kind])
    screen.print()


def _metric_table(dataset: JudgedDataset, column: MetricColumn) -> Table:
    """Return one metric of one dataset as a table, a row for each variant."""
    from rich.table import Table

    role = ", exploratory" if dataset.comparisons and column != dataset.main else ""
    table = Table(
        title=f"{column.name} {ARROWS.get(column.better, '')} on {dataset.table.dataset}{role}",
        title_justify="left",
        title_style="bold",
    )
    table.add_column("variant")
    for heading in ("n", "mean", "95 % interval", "difference", "95 % interval", "p, Holm"):
        table.add_column(heading, justify="right")
    table.add_column("verdict")
    for row in dataset.table.rows[:MOST_TABLE_ROWS]:
        table.add_row(*_metric_row(dataset, row, column))
    add_rest_row(table, len(dataset.table.rows))
    return table


def _metric_row(dataset: JudgedDataset, row: VariantRow, column: MetricColumn) -> list[str | Text]:
    """Return a variant's cells in the table of a metric."""
    verdict = next(iter(dataset.verdicts_on(row, column)), None)
    word = _verdict_word(verdict, is_baseline=dataset.is_baseline(row))
    cell = row.cells.get(column.name)
    if cell is None:
        return [row.variant, f"0 of {len(row.runs)}", *["–"] * 5, word]
    estimate = cell.estimate
    mean = format_number(estimate.value)
    best = cell.best and best_support(dataset.table, column) == "significant"
    paired = verdict.pairs.paired if verdict and verdict.pairs else None
    return [
        row.variant,
        f"{estimate.n}" if estimate.n == cell.runs else f"{estimate.n} of {cell.runs}",
        Text(mean, style="bold" if best else ""),
        interval(estimate.low, estimate.high),
        format_number(paired.difference.value) if paired else "–",
        interval(paired.difference.low, paired.difference.high) if paired else "–",
        format_number(verdict.comparison.t_corrected) if verdict else "–",
        word,
    ]


def _verdict_word(verdict: Verdict | None, *, is_baseline: bool) -> Text:
    if verdict is not None:
        treatment, _ = verdict.comparison.troubles
        failing = verdict.kind in {"fails", "fails-less"}
        count = f", {treatment.count} of {treatment.runs}" if failing else ""
        return Text(f"{verdict.word}{count}", style=_STYLES[verdict.kind])
    return Text("baseline" if is_baseline else "–")
