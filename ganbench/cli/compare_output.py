# SPDX-License-Identifier: MIT
"""The results of ``ganbench compare``: verdicts, a table for each metric, JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ganbench.analysis.comparison import PLAIN, Comparison, compare_to
from ganbench.analysis.tables import MetricColumn, MetricTable, VariantRow, metric_table
from ganbench.analysis.verdicts import Verdict, main_column, verdicts
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
from ganbench.records.labels import label_variants
from ganbench.records.read_run import read_run
from ganbench.records.run_record import RunRecord

if TYPE_CHECKING:
    from rich.table import Table

    from ganbench.harness.scheduler import CellState, Scheduler
    from ganbench.harness.suite import Suite

_STYLES = {"helps": "green", "hurts": "red", "fails": "bold red", "unclear": "dim"}

LOST = "lost"
"""The baseline of which no run has a result: nothing can be compared with it."""


@dataclass(frozen=True)
class ComparedDataset:
    """One dataset's table with its comparisons and verdicts; ``main`` is the column judged by."""

    table: MetricTable
    comparisons: tuple[Comparison, ...]
    verdicts: tuple[Verdict, ...]
    main: MetricColumn | None

    def verdicts_on(self, row: VariantRow, column: MetricColumn) -> list[Verdict]:
        """Return the verdicts on a variant by one metric."""
        return [
            verdict
            for verdict in self.verdicts
            if verdict.comparison.variant == row.variant and verdict.comparison.column == column
        ]

    def is_baseline(self, row: VariantRow) -> bool:
        """Return whether others are compared with this variant."""
        return any(comparison.baseline == row.variant for comparison in self.comparisons)


def compare_datasets(
    scheduler: Scheduler, states: Sequence[CellState], suite: Suite
) -> list[ComparedDataset]:
    """Compare the results that the cells have, dataset by dataset."""
    known = [state for state in states if state.record]
    runs = label_variants([read_run(scheduler.folder(state)) for state in known])
    baseline = _recorded_baseline(suite.baseline, known, runs)
    compared = []
    for dataset in dict.fromkeys(run.dataset for run in runs):
        table = metric_table(runs, dataset)
        comparisons = () if baseline == LOST else tuple(compare_to(table, baseline))
        main = main_column(table, suite.metric) if table.columns else None
        judged = tuple(verdicts(table, comparisons))
        compared.append(ComparedDataset(table, comparisons, judged, main))
    return compared


def _recorded_baseline(
    baseline: str | None, states: Sequence[CellState], runs: Sequence[RunRecord]
) -> str | None:
    """Return by which name the records know the baseline that the matrix calls ``baseline``."""
    if baseline is None:
        return None
    for state, run in zip(states, runs, strict=True):
        arm = state.cell.arm
        if baseline == arm.tricks:
            return run.tricks or PLAIN
        if baseline in {arm.label, arm.model}:
            return run.variant
    return LOST


def print_results(
    scheduler: Scheduler,
    states: Sequence[CellState],
    compared: Sequence[ComparedDataset],
    beyond: Sequence[str],
    *,
    as_json: bool,
) -> None:
    """Print verdicts and a table for each metric, or all of it as JSON.

    Args:
        scheduler: knows where the cells are stored.
        states: of the cells, at the end.
        compared: the result of ``compare_datasets``.
        beyond: sentences about bounds that are passed.
        as_json: whether a JSON document is printed in place of tables.
    """
    if as_json:
        print_json(
            {
                "cells": [_cell_record(scheduler, state) for state in states],
                "comparisons": [
                    _comparison_record(dataset.table.dataset, verdict)
                    for dataset in compared
                    for verdict in dataset.verdicts
                ],
                "worse_than_allowed": list(beyond),
            }
        )
        return
    screen = console()
    for dataset in compared:
        for column in dataset.table.columns:
            screen.print(_metric_table(dataset, column))
    for dataset in compared:
        _print_verdicts(dataset)
    trained = [state for state in states if state.record]
    total = sum(state.record.get("seconds") or 0 for state in trained)
    screen.print(f"{len(trained)} runs, {duration(total)} of training.")
    if left := sum(state.status == "limited" for state in states):
        screen.print(f"{left} cells are left: repeat the command without --limit.")
    screen.print(f"A page of it: ganbench report {scheduler.out_as_typed}", soft_wrap=True)


def _print_verdicts(dataset: ComparedDataset) -> None:
    """Print a sentence for each treatment, about the main metric."""
    by_main = [verdict for verdict in dataset.verdicts if verdict.comparison.column == dataset.main]
    if not by_main or dataset.main is None:
        return
    screen = console()
    screen.print(f"[bold]On {dataset.table.dataset}, by {dataset.main.name}[/bold]")
    for verdict in by_main:
        screen.print(verdict.sentence, style=_STYLES[verdict.kind], markup=False)
    screen.print()


def _metric_table(dataset: ComparedDataset, column: MetricColumn) -> Table:
    """Return one metric of one dataset as a table, a row for each variant."""
    from rich.table import Table

    table = Table(
        title=f"{column.name} {ARROWS.get(column.better, '')} on {dataset.table.dataset}",
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


def _metric_row(dataset: ComparedDataset, row: VariantRow, column: MetricColumn) -> list[str]:
    """Return a variant's cells in the table of a metric."""
    verdict = next(iter(dataset.verdicts_on(row, column)), None)
    word = _verdict_word(verdict, is_baseline=dataset.is_baseline(row))
    cell = row.cells.get(column.name)
    if cell is None:
        return [row.variant, f"0 of {len(row.runs)}", *["–"] * 5, word]
    estimate = cell.estimate
    mean = format_number(estimate.value)
    paired = verdict.comparison.paired if verdict else None
    return [
        row.variant,
        f"{estimate.n}" if estimate.n == cell.runs else f"{estimate.n} of {cell.runs}",
        f"[bold]{mean}[/bold]" if cell.best else mean,
        interval(estimate.low, estimate.high),
        format_number(paired.difference.value) if paired else "–",
        interval(paired.difference.low, paired.difference.high) if paired else "–",
        format_number(verdict.comparison.t_corrected) if verdict else "–",
        word,
    ]


def _verdict_word(verdict: Verdict | None, *, is_baseline: bool) -> str:
    if verdict is not None:
        return f"[{_STYLES[verdict.kind]}]{verdict.word}[/]"
    return "baseline" if is_baseline else "–"


def _cell_record(scheduler: Scheduler, state: CellState) -> dict[str, Any]:
    """Return a cell as it stands in the JSON."""
    return {
        "id": state.cell.identity,
        "axes": state.cell.axes,
        "status": state.outcome,
        "metrics": state.record.get("metrics") or {},
        "run": str(scheduler.out_as_typed / state.cell.name),
        **({"error": state.problem} if state.problem else {}),
    }


def _comparison_record(dataset: str, verdict: Verdict) -> dict[str, Any]:
    """Return a comparison as it stands in the JSON."""
    comparison = verdict.comparison
    paired = comparison.paired
    difference = paired.difference if paired else None
    return {
        "dataset": dataset,
        "metric": comparison.column.metric,
        "protocol": comparison.column.protocol,
        "variant": comparison.variant,
        "baseline": comparison.baseline,
        "n": difference.n if difference else 0,
        "lost": comparison.lost,
        "difference": difference.value if difference else None,
        "low": difference.low if difference else None,
        "high": difference.high if difference else None,
        "relative": comparison.relative,
        "p_value": comparison.t_p_value,
        "p_value_holm": comparison.t_corrected,
        "permutation_p_value": paired.p_value if paired else None,
        "permutation_p_value_holm": comparison.corrected,
        "smallest_permutation_p_value": paired.smallest_p_value if paired else None,
        "detectable": comparison.detectable,
        "probability_of_improvement": comparison.improvement.probability,
        "verdict": verdict.word,
        "sentence": verdict.sentence,
    }
