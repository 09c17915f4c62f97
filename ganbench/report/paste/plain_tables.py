# SPDX-License-Identifier: MIT
"""A report as three tables of plain values: a row for each run, for each mean, for each verdict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ganbench.analysis.mean_records import mean_records, variant_record
from ganbench.analysis.tables import MetricTable
from ganbench.analysis.verdict_record import verdict_record
from ganbench.records.run_record import RunRecord
from ganbench.report.dataset.dataset_section import DatasetSection

PlainRow = Mapping[str, Any]
"""A row by the names of its columns; None stands for what is not known."""


def plain_tables(sections: Sequence[DatasetSection]) -> dict[str, list[PlainRow]]:
    """Return the tables by name, each with the same columns in all of its rows.

    ``runs`` has a row for each metric of each run, and one without a metric for a run that has
    none, such as one that diverged. ``means`` has a row for each metric of each variant, with the
    mean over seeds, its 95 % t interval and its ``n``. ``verdicts`` has a row for each comparison
    with a baseline, as ``compare --json`` prints it; without a baseline it is left out.

    Args:
        sections: The datasets of the report.
    """
    tables: dict[str, list[PlainRow]] = {
        "runs": [row for section in sections for row in _runs(section.table)],
        "means": [row for section in sections for row in mean_records(section.table)],
        "verdicts": [
            verdict_record(section.dataset, verdict)
            for section in sections
            for verdict in section.verdicts
        ],
    }
    return {name: rows for name, rows in tables.items() if rows}


def _runs(table: MetricTable) -> Iterator[PlainRow]:
    """Yield the rows of all runs on a dataset, also of those that have not ended."""
    for row in table.rows:
        for run in row.runs:
            yield from _run(run, variant_record(table, row))


def _run(run: RunRecord, variant: Mapping[str, Any]) -> Iterator[PlainRow]:
    known = {
        **variant,
        "seed": run.seed,
        "run": run.name,
        "identity": run.identity,
        "status": run.status,
        "kimg": run.kimg,
        "seconds": run.seconds,
        "images_per_second": run.images_per_second,
    }
    measured = run.metrics.items() if run.counted else ()
    rows = [
        {
            "metric": metric,
            "value": measurement.value,
            "low": measurement.low,
            "high": measurement.high,
            "n": measurement.n,
            "n_real": measurement.n_real,
            "floor": measurement.floor,
            "better": measurement.better,
            "unit": measurement.unit,
            "protocol": measurement.protocol,
        }
        for metric, measurement in measured
    ]
    for row in rows or [dict.fromkeys(_MEASURED)]:
        yield {**known, **row}


_MEASURED = (
    *("metric", "value", "low", "high", "n", "n_real", "floor", "better", "unit", "protocol"),
)
