# SPDX-License-Identifier: MIT
"""Variants at the same time and at the same kimg, by measurements along their runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ganbench.analysis.stats import Estimate
from ganbench.analysis.tables import MetricColumn, MetricTable, VariantRow, estimate
from ganbench.records.json_values import as_mapping, as_number
from ganbench.records.run_record import Curve, RunRecord

BudgetAxis = Literal["seconds", "kimg"]


@dataclass(frozen=True)
class Budget:
    """The value of a metric at a limit of time or of kimg, by variant.

    ``limit`` is in seconds of training or in kimg. ``runs`` counts the runs that are over;
    ``kimg`` is the mean kimg at which the measurements that count were made.
    """

    axis: BudgetAxis
    limit: float
    values: Mapping[str, Estimate]
    runs: Mapping[str, int]
    kimg: Mapping[str, float]


@dataclass(frozen=True)
class EqualBudgets:
    """One metric at the same time and at the same kimg, by measurements of one protocol."""

    column: MetricColumn
    time: Budget
    kimg: Budget


def equal_budgets(table: MetricTable, *, confidence: float = 0.95) -> list[EqualBudgets]:
    """Return each metric at the largest time, and at the largest kimg, that all variants reached.

    A variant reaches as far as the longest of its runs that did not diverge. The last
    measurement of each run at or before the limit counts; in kimg, the iteration that passes the
    limit still belongs to it. A run that has diverged by then has no value. Nothing is
    interpolated. Variants without measurements along their runs are left out, and so are metrics
    with fewer than two variants.
    """
    metrics = []
    for column in table.columns:
        by_variant = {row.variant: _curves(row, column) for row in table.rows}
        curves = {variant: run_curves for variant, run_curves in by_variant.items() if run_curves}
        if len(curves) < 2:
            continue
        budgets = [_budget(table.rows, curves, axis, confidence) for axis in ("seconds", "kimg")]
        metrics.append(EqualBudgets(column, *budgets))
    return metrics


def _curves(row: VariantRow, column: MetricColumn) -> list[tuple[RunRecord, Curve]]:
    """Return the curve of a metric in each run of a variant that is over and has one."""
    return [
        (run, curve)
        for run in row.runs
        if run.counted and (curve := metric_curve(run, column)) is not None
    ]


def metric_curve(run: RunRecord, column: MetricColumn) -> Curve | None:
    """Return the measurements of a column along a run, the final one included; None without any."""
    for curve in run.curves:
        if column.takes(curve.name, curve.protocol):
            return curve
    return None


def _budget(
    rows: Sequence[VariantRow],
    curves: Mapping[str, Sequence[tuple[RunRecord, Curve]]],
    axis: BudgetAxis,
    confidence: float,
) -> Budget:
    """Return a metric at the largest limit on one axis that all variants reached."""
    limit = min(_reached(run_curves, axis) for run_curves in curves.values())
    values, kimg = {}, {}
    for variant, run_curves in curves.items():
        points = [
            (curve, index)
            for run, curve in run_curves
            if not _diverged_before(run, axis, limit)
            and (index := last_at(_points(curve, axis), limit + _slack(run, axis))) is not None
        ]
        mean = estimate((curve.values[index] for curve, index in points), confidence=confidence)
        if mean is not None:
            values[variant] = mean
            kimg[variant] = sum(curve.kimg[index] for curve, index in points) / len(points)
    runs = {row.variant: len(row.seeds) for row in rows if row.variant in curves}
    return Budget(axis, limit, values, runs, kimg)


def _slack(run: RunRecord, axis: BudgetAxis) -> float:
    """Return the kimg of one iteration: a run ends with a whole iteration, and may pass a limit."""
    recipe = as_mapping(run.config.get("recipe"))
    batch_size, steps = (
        as_number(recipe.get(key)) for key in ("batch_size", "discriminator_steps")
    )
    return batch_size * steps / 1000 if axis == "kimg" and batch_size and steps else 0.0


def _diverged_before(run: RunRecord, axis: BudgetAxis, limit: float) -> bool:
    """Tell whether a run diverged before a limit, or at an unknown point."""
    spent = run.seconds if axis == "seconds" else run.kimg
    return run.status == "diverged" and (spent is None or spent < limit)


def _reached(run_curves: Sequence[tuple[RunRecord, Curve]], axis: BudgetAxis) -> float:
    """Return how far the runs of a variant got; runs that diverged count only if all did."""
    whole = [curve for run, curve in run_curves if run.status != "diverged"]
    return max(_points(curve, axis)[-1] for curve in whole or [curve for _, curve in run_curves])


def _points(curve: Curve, axis: BudgetAxis) -> tuple[float, ...]:
    """Return where the measurements of a curve lie on an axis."""
    return curve.seconds if axis == "seconds" else curve.kimg


def last_at(points: Sequence[float], limit: float) -> int | None:
    """Return the index of the last point at or before a limit; None if all lie beyond it."""
    within = [index for index, point in enumerate(points) if point <= limit * (1 + 1e-9)]
    return within[-1] if within else None
