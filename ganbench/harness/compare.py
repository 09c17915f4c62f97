# SPDX-License-Identifier: MIT
"""The comparison that a matrix of runs leads to, dataset by dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ganbench.analysis.comparison import PLAIN, Comparison, compare_to
from ganbench.analysis.paired_values import PairedValues
from ganbench.analysis.tables import metric_table
from ganbench.analysis.verdicts import JudgedMatrix, Verdict, judge_matrix
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
    name = _recorded_baseline(baseline, states, runs)
    tables = [metric_table(runs, dataset) for dataset in dict.fromkeys(run.dataset for run in runs)]
    return judge_matrix(
        [(table, [] if name == _LOST else compare_to(table, name)) for table in tables], metric
    )


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
    scheduler: Scheduler, states: Sequence[CellState], matrix: JudgedMatrix
) -> dict[str, Any]:
    """Return a comparison as plain data: every cell, and every comparison with its verdict.

    Args:
        scheduler: The cells of the matrix.
        states: The states of the cells to list.
        matrix: The verdicts, by dataset.
    """
    return {
        "cells": [_cell_record(scheduler, state) for state in states],
        "comparisons": [
            _comparison_record(compared.table.dataset, verdict)
            for compared in matrix.datasets
            for verdict in compared.verdicts
        ],
        "scope": {
            "primary": {
                compared.table.dataset: compared.main.name
                for compared in matrix.datasets
                if compared.main
            },
            "named": matrix.named is not None,
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
        return "\n".join(
            filter(None, [f"<ComparisonResult of {counted}>", *self.verdicts, self.scope])
        )

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
        "best": state.record.get("best") or {},
        "health": state.record.get("health") or {},
        "run": str(scheduler.out_as_typed / state.cell.name),
        **({"error": state.problem} if state.problem else {}),
    }


def _comparison_record(dataset: str, verdict: Verdict) -> dict[str, Any]:
    """Return a comparison as it is in the JSON."""
    comparison = verdict.comparison
    paired = comparison.paired
    return {
        "dataset": dataset,
        "metric": comparison.column.metric,
        "protocol": comparison.column.protocol,
        "variant": comparison.variant,
        "baseline": comparison.baseline,
        "primary": verdict.primary,
        **_pairs_record(comparison.pairs),
        "lost": comparison.lost,
        "p_value_holm": comparison.t_corrected,
        "permutation_p_value": paired.p_value if paired else None,
        "permutation_p_value_holm": comparison.corrected,
        "smallest_permutation_p_value": paired.smallest_p_value if paired else None,
        "ratio_p_value_holm": comparison.ratio_corrected,
        "tests": comparison.family,
        "detectable": comparison.detectable,
        "probability_of_improvement": comparison.improvement.probability,
        **_failures_record(comparison),
        **_pairs_record(comparison.unfailed, "unfailed_"),
        "verdict": verdict.word,
        "verdict_kind": verdict.kind,
        "conditional": verdict.conditional,
        "sentence": verdict.sentence,
    }


def _pairs_record(pairs: PairedValues | None, prefix: str = "") -> dict[str, Any]:
    """Return what pairs show, as difference and as ratio."""
    difference = pairs.paired.difference if pairs else None
    ratio = pairs.ratio if pairs else None
    record = {
        "n": difference.n if difference else 0,
        "difference": difference.value if difference else None,
        "low": difference.low if difference else None,
        "high": difference.high if difference else None,
        "relative": pairs.relative if pairs else None,
        "p_value": pairs.paired.t_p_value if pairs else None,
        "ratio": ratio.ratio.value if ratio else None,
        "ratio_low": ratio.ratio.low if ratio else None,
        "ratio_high": ratio.ratio.high if ratio else None,
        "ratio_p_value": ratio.p_value if ratio else None,
    }
    return {f"{prefix}{key}": value for key, value in record.items()}


def _failures_record(comparison: Comparison) -> dict[str, Any]:
    """Return how many runs of treatment and baseline diverged or collapsed."""
    record: dict[str, Any] = {}
    for prefix, trouble in zip(("", "baseline_"), comparison.troubles, strict=True):
        interval = trouble.interval
        record |= {
            f"{prefix}failed": trouble.count,
            f"{prefix}runs": trouble.runs,
            f"{prefix}failed_low": interval.low if interval else None,
            f"{prefix}failed_high": interval.high if interval else None,
        }
    return {
        **record,
        "failed_p_value": comparison.excess.p_value,
        "failed_p_value_holm": comparison.excess.corrected,
    }
