# SPDX-License-Identifier: MIT
"""The means of a dataset's variants as plain data: the same records, whoever prints them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ganbench.analysis.best_mean import best_support
from ganbench.analysis.tables import MetricTable, VariantRow


def variant_record(table: MetricTable, row: VariantRow) -> dict[str, Any]:
    """Return which variant a row is, on which dataset."""
    return {
        "dataset": table.dataset,
        "variant": row.variant,
        "model": row.model,
        "tricks": row.tricks,
        "setting": row.setting,
    }


def mean_records(table: MetricTable) -> Iterator[dict[str, Any]]:
    """Yield the mean of each variant in each column in which it has one.

    ``low`` and ``high`` are its 95 % t interval, ``n`` the values of ``runs`` runs.
    """
    support = {column.name: best_support(table, column) for column in table.columns}
    for row in table.rows:
        for column in table.columns:
            cell = row.cells.get(column.name)
            if cell is None:
                continue
            yield {
                **variant_record(table, row),
                "metric": column.metric,
                "mean": cell.estimate.value,
                "low": cell.estimate.low,
                "high": cell.estimate.high,
                "n": cell.estimate.n,
                "runs": cell.runs,
                "best": cell.best,
                "best_is": support[column.name] if cell.best else None,
                "floor": table.floors.get(column.name),
                "better": column.better,
                "unit": column.unit,
                "protocol": column.protocol,
            }
