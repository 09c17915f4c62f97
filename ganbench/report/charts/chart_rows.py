# SPDX-License-Identifier: MIT
"""Rows for charts: the seeds of every variant along training, and the mean of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ganbench.analysis.equal_budgets import metric_curve
from ganbench.analysis.stats import mean_interval
from ganbench.analysis.tables import MetricColumn, MetricTable, VariantRow
from ganbench.records.run_record import Curve, RunRecord
from ganbench.report.charts.panels import Rows

MEAN = "mean"
_DIGITS = 5


def dot_rows(table: MetricTable, column: MetricColumn) -> Rows:
    """Return a row per seed (variant, seed, value) and per variant (mean, low, high)."""
    rows: Rows = []
    for row in table.rows:
        cell = row.cells.get(column.name)
        if cell is None:
            continue
        rows += [
            {"variant": row.variant, "seed": _seed(one.seed), "value": rounded(one.value)}
            for one in cell.values
        ]
        mean = {"variant": row.variant, "mean": rounded(cell.estimate.value)}
        if cell.estimate.low is not None and cell.estimate.high is not None:
            mean |= {"low": rounded(cell.estimate.low), "high": rounded(cell.estimate.high)}
        rows.append(mean)
    return rows


def metric_rows(table: MetricTable, fields: Mapping[str, MetricColumn]) -> Rows:
    """Return the course of the metrics: rows of variant, seed, kimg, seconds, mean, and fields.

    The rows of the mean have the ends of its t interval beside each field: FIELD_low, FIELD_high.
    """
    rows: Rows = []
    for row in table.rows:
        curves = [
            (
                run,
                {
                    field: curve
                    for field, column in fields.items()
                    if (curve := metric_curve(run, column)) is not None
                },
            )
            for run in row.runs
        ]
        rows += _variant_rows(row, curves)
    return rows


def loss_rows(row: VariantRow, fields: Mapping[str, str]) -> Rows:
    """Return the losses or logits of one variant, ``fields`` being field to recorded name."""
    curves = [
        (
            run,
            {
                field: curve
                for field, name in fields.items()
                for curve in run.losses
                if curve.name == name
            },
        )
        for run in row.runs
    ]
    return _variant_rows(row, curves)


def _variant_rows(row: VariantRow, curves: Sequence[tuple[RunRecord, Mapping[str, Curve]]]) -> Rows:
    """Return a variant's rows: the seeds where there are several, and always their mean.

    The mean is over the runs that are over and did not diverge, at the points that all of them
    have: a mean over other runs at each point would jump for no reason in the training.
    """
    points = {run.name: _points(given) for run, given in curves}
    rows: Rows = []
    if len(curves) > 1:
        for run, _ in curves:
            for kimg, values in points[run.name].items():
                rows.append(_chart_row(row.variant, _seed(run.seed), kimg, values, mean=False))
    whole = [points[run.name] for run, _ in curves if run.counted and run.status != "diverged"]
    whole = [one for one in whole if one] or [one for one in points.values() if one]
    if whole:
        for kimg in whole[0]:
            if all(kimg in one for one in whole):
                values = _mean([one[kimg] for one in whole])
                rows.append(_chart_row(row.variant, MEAN, kimg, values, mean=True))
    return rows


def _points(curves: Mapping[str, Curve]) -> dict[float, dict[str, float]]:
    """Return {kimg: {"seconds": ..., field: ...}} in the order of kimg."""
    points: dict[float, dict[str, float]] = {}
    for field, curve in curves.items():
        for kimg, seconds, value in zip(curve.kimg, curve.seconds, curve.values, strict=True):
            points.setdefault(kimg, {"seconds": seconds})[field] = value
    return dict(sorted(points.items()))


def _mean(points: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the mean of each field that all have, and where there are several, its interval."""
    found: dict[str, float] = {}
    for field in points[0]:
        if all(field in point for point in points):
            mean = mean_interval([point[field] for point in points])
            found[field] = mean.value
            if mean.low is not None and mean.high is not None and field != "seconds":
                found |= {f"{field}_low": mean.low, f"{field}_high": mean.high}
    return found


def _chart_row(
    variant: str, seed: str, kimg: float, values: Mapping[str, float], *, mean: bool
) -> dict[str, Any]:
    row: dict[str, Any] = {"variant": variant, "seed": seed, "kimg": rounded(kimg)}
    row |= {field: rounded(value) for field, value in values.items()}
    return {**row, "mean": True} if mean else row


def curve_domain(
    rows: Iterable[Mapping[str, Any]], field: str, *, log: bool
) -> tuple[float, float]:
    """Return what an axis has to show for every seed and mean; bands may reach beyond it."""
    values: list[float] = [row[field] for row in rows if field in row]
    low, high = min(values), max(values)
    if log:
        return rounded(low / 1.15), rounded(high * 1.15)
    margin = 0.05 * (high - low) or abs(high) * 0.05 or 1.0
    return rounded(low - margin), rounded(high + margin)


def clip_bands(rows: Rows, field: str, domain: tuple[float, float]) -> None:
    """Cut bands off at the ends of an axis: a logarithmic one cannot draw what is below zero."""
    for row in rows:
        for end in (f"{field}_low", f"{field}_high"):
            if end in row:
                row[end] = rounded(min(max(row[end], domain[0]), domain[1]))


def log_ticks(rows: Iterable[Mapping[str, Any]], field: str) -> list[float]:
    """Return ticks for a logarithmic axis where one serves better, else none.

    It does where all values are above zero and the largest is fifty times the smallest.
    """
    values: list[float] = [row[field] for row in rows if field in row]
    if not values or min(values) <= 0 or max(values) <= 50 * min(values):
        return []
    first, last = (math.floor(math.log10(value)) for value in (min(values), max(values)))
    steps = (1, 2, 5) if last - first < 2 else (1, 3) if last - first < 4 else (1,)
    return [float(f"{step}e{power}") for power in range(first, last + 2) for step in steps]


def floor_in_sight(
    rows: Iterable[Mapping[str, Any]], fields: Iterable[str], floor: float, *, log: bool = False
) -> bool:
    """Tell whether a floor lies so near the values that showing it does not flatten them.

    On a logarithmic axis that is a factor of three at most.
    """
    names = list(fields)
    values: list[float] = [row[name] for row in rows for name in names if name in row]
    if not values:
        return False
    low, high = min(values), max(values)
    if log:
        return low / 3 <= floor <= high * 3
    reach = high - low or abs(high) or 1.0
    return low - reach <= floor <= high + reach


def rounded(value: float) -> float:
    """Round to what a chart can show."""
    return float(f"{value:.{_DIGITS}g}")


def _seed(seed: int | None) -> str:
    return "none" if seed is None else str(seed)
