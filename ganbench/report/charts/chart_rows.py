# SPDX-License-Identifier: MIT
"""Rows for charts of training: the seeds of every variant, and the mean of the seeds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganbench.analysis.mean_curves import VariantCurves, loss_curves, metric_curves
from ganbench.analysis.tables import MetricColumn, MetricTable, VariantRow
from ganbench.report.charts.axes import rounded
from ganbench.report.charts.panels import Rows

MEAN = "mean"


def metric_rows(table: MetricTable, fields: Mapping[str, MetricColumn]) -> Rows:
    """Return the course of metrics: rows of variant, seed, kimg, seconds, and the fields.

    The rows of a mean have ``mean`` and, next to each field, the ends of its t interval:
    FIELD_low and FIELD_high.
    """
    return [row for variant in table.rows for row in _rows(metric_curves(variant, fields))]


def event_rows(table: MetricTable) -> Rows:
    """Return what went wrong in training: a row of variant, seed, kimg, event and message each."""
    return [
        {
            "variant": row.variant,
            "seed": seed_text(run.seed),
            "kimg": rounded(event.kimg),
            "event": event.name,
            "message": event.message,
        }
        for row in table.rows
        for run in row.runs
        for event in run.events
    ]


def loss_rows(row: VariantRow, fields: Mapping[str, str]) -> Rows:
    """Return the losses or logits of one variant; ``fields`` maps a field to its recorded name."""
    return _rows(loss_curves(row, fields))


def _rows(curves: VariantCurves) -> Rows:
    """Return a variant's rows: the seeds where there are several, and always their mean."""
    rows: Rows = []
    if len(curves.runs) > 1:
        for seed, points in curves.runs:
            for point in points:
                values = {"seconds": point.seconds, **point.values}
                rows.append(_row(curves.variant, seed_text(seed), point.kimg, values))
    for mean in curves.mean:
        values = {"seconds": mean.seconds}
        for field, estimate in mean.values.items():
            values[field] = estimate.value
            if estimate.low is not None and estimate.high is not None:
                values |= {f"{field}_low": estimate.low, f"{field}_high": estimate.high}
        rows.append({**_row(curves.variant, MEAN, mean.kimg, values), "mean": True})
    return rows


def _row(variant: str, seed: str, kimg: float, values: Mapping[str, float]) -> dict[str, Any]:
    numbers = {field: rounded(value) for field, value in values.items()}
    return {"variant": variant, "seed": seed, "kimg": rounded(kimg), **numbers}


def seed_text(seed: int | None) -> str:
    """Return a seed as the charts name it."""
    return "none" if seed is None else str(seed)
