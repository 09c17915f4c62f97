# SPDX-License-Identifier: MIT
"""What the runs of a variant came to: which are over, which failed, and if that is a result."""

from __future__ import annotations

from ganbench.analysis.failures import went_wrong
from ganbench.analysis.tables import MetricColumn, VariantRow
from ganbench.records.run_folder import FAILURES
from ganbench.records.run_record import RunRecord


def _runs_over(row: VariantRow) -> list[RunRecord]:
    """Return the runs that are over, including those that came to no result."""
    return [run for run in row.runs if run.counted or run.status in FAILURES]


def seeds_over(row: VariantRow) -> set[int]:
    """Return the seeds of the runs that are over."""
    return {run.seed for run in _runs_over(row) if run.seed is not None}


def seeds_that_failed(row: VariantRow) -> set[int]:
    """Return the seeds of the runs that diverged or collapsed."""
    return {run.seed for run in row.runs if went_wrong(run) and run.seed is not None}


def has_outcome(row: VariantRow, column: MetricColumn) -> bool:
    """Tell whether runs have a value, or are over and could not come to one: they lose every pair.

    All of the latter diverged, collapsed, failed, or were measured without getting a value, as by
    a reverse KL of samples none of which is sharp. Runs that were never measured are no outcome.
    """
    if column.name in row.cells:
        return True
    over = _runs_over(row)
    return bool(over) and all(run.status != "done" or _was_measured(run, column) for run in over)


def _was_measured(run: RunRecord, column: MetricColumn) -> bool:
    """Tell whether a run has a measurement in a column, with a value or without."""
    return any(column.takes(name, found.protocol) for name, found in run.metrics.items())
