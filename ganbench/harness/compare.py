# SPDX-License-Identifier: MIT
"""The comparison that a matrix of runs leads to, dataset by dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any

from ganbench.analysis.comparison import Comparison, compare_to
from ganbench.analysis.mean_records import mean_records
from ganbench.analysis.tables import MetricTable, metric_table
from ganbench.analysis.verdict_record import verdict_record
from ganbench.analysis.verdicts import JudgedMatrix, judge_matrix
from ganbench.config import counted
from ganbench.harness.matrix import Arm, baseline_arms
from ganbench.harness.measured_values import RecordMapping, data_frame, html_table
from ganbench.harness.scheduler import CellState, Scheduler
from ganbench.harness.trained_run import TrainedRun
from ganbench.records.labels import label_variants
from ganbench.records.read_run import read_run
from ganbench.records.run_folder import FAILURES
from ganbench.records.run_record import RunRecord

if TYPE_CHECKING:
    from altair import VConcatChart
    from pandas import DataFrame


def compared_datasets(
    scheduler: Scheduler, baseline: str | None = None, metric: str | None = None
) -> JudgedMatrix:
    """Compare the stored results of a matrix, dataset by dataset.

    Args:
        scheduler: The cells, after they were carried out.
        baseline: The variant that others are compared with, given as a set of tricks, a variant
            or a model; None chooses the models without tricks.
        metric: The primary metric, which the verdicts are about; None chooses FID, KID or reverse
            KL, or the first one.
    """
    states = [state for state in scheduler.states if state.record]
    runs = label_variants([read_run(scheduler.folder(state)) for state in states])
    arms = list(dict.fromkeys(state.cell.arm for state in scheduler.states))
    compared = []
    for dataset in dict.fromkeys(run.dataset for run in runs):
        table = metric_table(runs, dataset)
        stored = [
            (state.cell.arm, run)
            for state, run in zip(states, runs, strict=True)
            if run.dataset == dataset
        ]
        compared.append((table, _comparisons(table, baseline, arms, stored)))
    return judge_matrix(compared, metric)


def _comparisons(
    table: MetricTable,
    baseline: str | None,
    arms: Sequence[Arm],
    stored: Sequence[tuple[Arm, RunRecord]],
) -> list[Comparison]:
    """Return the comparisons of a dataset; none if no run of the named baseline has a result.

    Args:
        table: The variants of the dataset.
        baseline: The name that was given to the baseline.
        arms: All arms of the matrix, also those that have no result.
        stored: The runs on the dataset, each with its arm.
    """
    if baseline is None:
        return compare_to(table)
    wanted = set(baseline_arms(arms, baseline))
    named = [run.variant for arm, run in stored if arm in wanted]
    if not named:
        return []
    of_tricks = any(baseline == arm.tricks for arm in arms)
    return compare_to(table, named[0], bases=set(named) if of_tricks else ())


def comparison_document(
    scheduler: Scheduler, states: Sequence[CellState], matrix: JudgedMatrix
) -> dict[str, Any]:
    """Return a comparison as plain data: every cell, every mean, every comparison's verdict.

    Args:
        scheduler: The cells of the matrix.
        states: The states of the cells to list.
        matrix: The verdicts, by dataset.
    """
    return {
        "cells": [_cell_record(scheduler, state) for state in states],
        "means": [
            record for compared in matrix.datasets for record in mean_records(compared.table)
        ],
        "comparisons": [
            verdict_record(compared.table.dataset, verdict)
            for compared in matrix.datasets
            for verdict in compared.verdicts
        ],
        "scope": {
            "primary": {
                compared.table.dataset: compared.main.name
                for compared in matrix.datasets
                if compared.main
            },
            "named": bool(matrix.named),
            "tests": matrix.tests,
            "columns": matrix.columns,
            "sentence": matrix.scope,
        },
    }


class ComparisonResult(RecordMapping):
    """The result of a comparison; as a mapping, it is what ``ganbench compare --json`` prints.

    Args:
        scheduler: The cells, after they were carried out.
        matrix: The verdicts, by dataset.
    """

    def __init__(self, scheduler: Scheduler, matrix: JudgedMatrix) -> None:
        self._scheduler = scheduler
        self._matrix = matrix

    @property
    def _record(self) -> Mapping[str, Any]:
        return self.document

    @cached_property
    def document(self) -> dict[str, Any]:
        """Every cell, and every comparison with its verdict, as plain data."""
        return comparison_document(self._scheduler, self._scheduler.states, self._matrix)

    @property
    def verdicts(self) -> list[str]:
        """A sentence for each variant, about the primary metric of each dataset."""
        return [
            verdict.sentence for compared in self._matrix.datasets for verdict in compared.on_main
        ]

    @property
    def scope(self) -> str:
        """What the verdicts are about, and how many columns of metrics were looked at."""
        return self._matrix.scope

    @property
    def failures(self) -> list[str]:
        """How many runs failed, why, and how to try again; empty if none failed."""
        failed = [state for state in self._scheduler.states if state.status in FAILURES]
        if not failed:
            return []
        labels: dict[str, list[str]] = {}  # of the cells, by what is wrong with them
        for state in failed:
            labels.setdefault(state.problem, []).append(state.cell.label)
        again = "retry_failed=True" if any(state.lasting for state in failed) else "the next call"
        runs = counted(len(self._scheduler.states), "run")
        reasons = [
            f"{first}{f' and {len(others)} more' if others else ''}: {problem}"
            for problem, (first, *others) in labels.items()
        ]
        return [f"{len(failed)} of {runs} failed; {again} tries them again.", *reasons]

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

    def plot(self) -> VConcatChart:
        """Return what each treatment changes, seed by seed, as a chart of altair.

        Raises:
            MissingDataError: No treatment shares a seed with its baseline.
        """
        from ganbench.report.charts.notebook_charts import effects_chart

        return effects_chart(self._matrix)

    def __repr__(self) -> str:
        done = sum(bool(state.record) for state in self._scheduler.states)
        head = f"<ComparisonResult of {done} of {len(self._scheduler.states)} runs>"
        return "\n".join(filter(None, [head, *self.failures, *self.verdicts, self.scope]))

    def _repr_html_(self) -> str:
        rows = [
            [
                row["dataset"],
                row["metric"],
                "primary" if row["primary"] else "exploratory",
                row["variant"],
                row["baseline"],
                _signed(row["difference"]),
                f"[{_signed(row['low'])}, {_signed(row['high'])}]",
                f"{row['failed']} of {row['runs']}",
                row["verdict"],
            ]
            for row in self.document["comparisons"]
        ]
        head = (
            "dataset",
            "metric",
            "role",
            "variant",
            "baseline",
            "difference",
            "95 %",
            "failed",
            "verdict",
        )
        failures = "".join(f"<p>{escape(sentence)}</p>" for sentence in self.failures)
        return failures + html_table(head, rows)


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
        "unmeasured": state.record.get("unmeasured") or {},
        "best": state.record.get("best") or {},
        "health": state.record.get("health") or {},
        "run": str(scheduler.out_as_typed / state.cell.name),
        **({"error": state.problem} if state.problem else {}),
    }
