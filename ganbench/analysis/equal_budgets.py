# SPDX-License-Identifier: MIT
"""Variants at the same time and at the same kimg, by measurements made along the way."""

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
    """The value of a metric once so much has been spent, by variant.

    ``limit`` is in seconds of training or in kimg; ``runs`` is how many runs are over, ``kimg``
    where in training the measurements that count stand on average.
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

    A variant has reached what the slowest of its runs that did not diverge has spent. Of each
    run the last measurement at or before the limit counts, in kimg the iteration that passes it
    included; a run that had diverged by then has no value any more. Nothing is interpolated. A
    variant without measurements along the way is left out, and a metric with fewer than two
    variants.
    """
    found = []
    for column in table.columns:
        every = {row.variant: _curves(row, column) for row in table.rows}
        curves = {variant: members for variant, members in every.items() if members}
        if len(curves) < 2:
            continue
        budgets = [_budget(table.rows, curves, axis, confidence) for axis in ("seconds", "kimg")]
        found.append(EqualBudgets(column, *budgets))
    return found


def _curves(row: VariantRow, column: MetricColumn) -> list[tuple[RunRecord, Curve]]:
    """Return the course of a metric in each run of a variant that is over."""
    return [
        (run, curve)
        for run in row.runs
        if run.counted and (curve := metric_curve(run, column)) is not None
    ]


def metric_curve(run: RunRecord, column: MetricColumn) -> Curve | None:
    """Return a metric's measurements along a run by a column's protocol, the final one included."""
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
    limit = min(_reached(members, axis) for members in curves.values())
    values, kimg = {}, {}
    for variant, members in curves.items():
        at = [
            (curve, index)
            for run, curve in members
            if not _diverged_before(run, axis, limit)
            and (index := last_at(_points(curve, axis), limit + _slack(run, axis))) is not None
        ]
        mean = estimate((curve.values[index] for curve, index in at), confidence=confidence)
        if mean is not None:
            values[variant] = mean
            kimg[variant] = sum(curve.kimg[index] for curve, index in at) / len(at)
    runs = {row.variant: len(row.seeds) for row in rows if row.variant in curves}
    return Budget(axis, limit, values, runs, kimg)


def _slack(run: RunRecord, axis: BudgetAxis) -> float:
    """Return the images of one iteration in kimg: a run of so many kimg ends with a whole one."""
    recipe = as_mapping(run.config.get("recipe"))
    size, steps = as_number(recipe.get("batch_size")), as_number(recipe.get("discriminator_steps"))
    return size * steps / 1000 if axis == "kimg" and size and steps else 0.0


def _diverged_before(run: RunRecord, axis: BudgetAxis, limit: float) -> bool:
    spent = run.seconds if axis == "seconds" else run.kimg
    return run.status == "diverged" and (spent is None or spent < limit)


def _reached(members: Sequence[tuple[RunRecord, Curve]], axis: BudgetAxis) -> float:
    whole = [curve for run, curve in members if run.status != "diverged"]
    spent = [_points(curve, axis)[-1] for curve in whole or [curve for _, curve in members]]
    return max(spent)


def _points(curve: Curve, axis: BudgetAxis) -> tuple[float, ...]:
    return curve.seconds if axis == "seconds" else curve.kimg


def last_at(points: Sequence[float], limit: float) -> int | None:
    """Return the index of the last point at or before a limit; None if all are beyond it."""
    within = [index for index, point in enumerate(points) if point <= limit * (1 + 1e-9)]
    return within[-1] if within else None
