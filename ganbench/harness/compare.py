# SPDX-License-Identifier: MIT
"""The comparison that a matrix of runs leads to, dataset by dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ganbench.analysis.comparison import PLAIN, Comparison, compare_to
from ganbench.analysis.tables import MetricColumn, MetricTable, VariantRow, metric_table
from ganbench.analysis.verdicts import Verdict, main_column, verdicts
from ganbench.harness.measured_values import RecordMapping, data_frame, html_table
from ganbench.harness.scheduler import CellState, Scheduler
from ganbench.harness.trained_run import TrainedRun
from ganbench.records.labels import label_variants
from ganbench.records.read_run import read_run
from ganbench.records.run_record import RunRecord

if TYPE_CHECKING:
    from pandas import DataFrame

_LOST = "lost"
"""The name of a baseline none of whose runs has a result: nothing can be compared with it."""


@dataclass(frozen=True)
class ComparedDataset:
    """The table of one dataset, with its comparisons and verdicts."""

    table: MetricTable
    comparisons: tuple[Comparison, ...]
    verdicts: tuple[Verdict, ...]
    main: MetricColumn | None
    """The column of the metric that sentences are about; None if nothing was measured."""

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


def compared_datasets(
    scheduler: Scheduler, baseline: str | None = None, metric: str | None = None
) -> list[ComparedDataset]:
    """Compare the stored results of a matrix, dataset by dataset.

    Args:
        scheduler: The cells, after they were carried out.
        baseline: The variant that others are compared with, given as a set of tricks, a variant
            or a model; None chooses the models without tricks.
        metric: The metric that the sentences of verdicts are about; None chooses the first.
    """
    states = [state for state in scheduler.states if state.record]
    runs = label_variants([read_run(scheduler.folder(state)) for state in states])
    name = _recorded_baseline(baseline, states, runs)
    compared = []
    for dataset in dict.fromkeys(run.dataset for run in runs):
        table = metric_table(runs, dataset)
        comparisons = () if name == _LOST else tuple(compare_to(table, name))
        main = main_column(table, metric) if table.columns else None
        compared.append(
            ComparedDataset(table, comparisons, tuple(verdicts(table, comparisons)), main)
        )
    return compared


def _recorded_baseline(
    baseline: str | None, states: Sequence[CellState], runs: Sequence[RunRecord]
) -> str | None:
    """Return the name that the records use for the baseline of the matrix."""
    if baseline is None:
        return None
    for state, run in zip(states, runs, strict=True):
        arm = state.cell.arm
        if baseline == arm.tricks:
            return run.tricks or PLAIN
        if baseline in {arm.label, arm.model}:
            return run.variant
    return _LOST


def comparison_document(
    scheduler: Scheduler, states: Sequence[CellState], datasets: Sequence[ComparedDataset]
) -> dict[str, Any]:
    """Return a comparison as plain data: every cell, and every comparison with its verdict.

    Args:
        scheduler: The cells of the matrix.
        states: The states of the cells to list.
        datasets: The comparisons, by dataset.
    """
    return {
        "cells": [_cell_record(scheduler, state) for state in states],
        "comparisons": [
            _comparison_record(compared.table.dataset, verdict)
            for compared in datasets
            for verdict in compared.verdicts
        ],
    }


class ComparisonResult(RecordMapping):
    """The result of a comparison; as a mapping, it is what ``ganbench compare --json`` prints.

    Args:
        scheduler: The cells, after they were carried out.
        datasets: The comparisons, by dataset.
    """

    def __init__(self, scheduler: Scheduler, datasets: Sequence[ComparedDataset]) -> None:
        self._scheduler = scheduler
        self._datasets = tuple(datasets)

    @property
    def _record(self) -> Mapping[str, Any]:
        return self.document

    @cached_property
    def document(self) -> dict[str, Any]:
        """Every cell, and every comparison with its verdict, as plain data."""
        return comparison_document(self._scheduler, self._scheduler.states, self._datasets)

    @property
    def verdicts(self) -> list[str]:
        """A sentence for each variant, about the main metric of each dataset."""
        return [
            verdict.sentence
            for compared in self._datasets
            for verdict in compared.verdicts
            if verdict.comparison.column == compared.main
        ]

    @property
    def runs(self) -> list[TrainedRun]:
        """The runs that have a result."""
        states = [state for state in self._scheduler.states if state.record]
        return [TrainedRun(self._scheduler.folder(state).path) for state in states]

    def to_pandas(self) -> DataFrame:
        """Return a table with a row for each comparison.

        Raises:
            MissingDataError: Pandas is not installed.
        """
        return data_frame(self.document["comparisons"])

    def __repr__(self) -> str:
        done = sum(bool(state.record) for state in self._scheduler.states)
        counted = f"{done} of {len(self._scheduler.states)} runs"
        return "\n".join([f"<ComparisonResult of {counted}>", *self.verdicts])

    def _repr_html_(self) -> str:
        rows = [
            [
                row["dataset"],
                row["metric"],
                row["variant"],
                row["baseline"],
                _signed(row["difference"]),
                f"[{_signed(row['low'])}, {_signed(row['high'])}]",
                row["verdict"],
            ]
            for row in self.document["comparisons"]
        ]
        head = ("dataset", "metric", "variant", "baseline", "difference", "95 %", "verdict")
        return html_table(head, rows)


def _signed(value: float | None) -> str:
    """Return a number with its sign and four digits, or a dash for None."""
    return "–" if value is None else f"{value:+.4g}"


def _cell_record(scheduler: Scheduler, state: CellState) -> dict[str, Any]:
    """Return a cell as it is in the JSON."""
    return {
        "id": state.cell.identity,
        "axes": state.cell.axes,
        "status": state.outcome,
        "metrics": state.record.get("metrics") or {},
        "run": str(scheduler.out_as_typed / state.cell.name),
        **({"error": state.problem} if state.problem else {}),
    }


def _comparison_record(dataset: str, verdict: Verdict) -> dict[str, Any]:
    """Return a comparison as it is in the JSON."""
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
