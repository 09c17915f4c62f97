# SPDX-License-Identifier: MIT
"""Comparisons as plain data: with a baseline seed by seed, at the same time, at the same kimg."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ganbench.errors import UnknownNameError, suggest
from ganbench.records.record import Curve, RunRecord, mapping, number
from ganbench.report.tables import (
    Cell,
    MetricColumn,
    MetricTable,
    VariantRow,
    estimate,
)
from ganbench.stats import (
    Estimate,
    Improvement,
    PairedDifference,
    holm,
    paired_difference,
    probability_of_improvement,
)

Axis = Literal["seconds", "kimg"]


@dataclass(frozen=True)
class Comparison:
    """A variant against the baseline in one metric.

    ``paired`` is over the seeds that both have and None if there are none; ``corrected`` is its
    p value after Holm's correction over all comparisons of the table.
    """

    variant: str
    baseline: str
    column: MetricColumn
    paired: PairedDifference | None
    improvement: Improvement
    corrected: float | None = None

    @property
    def verdict(self) -> Literal["better", "worse", "unclear"]:
        """On which side of zero the whole 95 % interval of the paired difference lies."""
        difference = self.paired.difference if self.paired else None
        if difference is None or difference.low is None or difference.high is None:
            return "unclear"
        if difference.low <= 0 <= difference.high or not self.column.better:
            return "unclear"
        higher = difference.low > 0
        return "better" if higher == (self.column.better == "higher") else "worse"


@dataclass(frozen=True)
class Budget:
    """The value of a metric once so much has been spent, by variant.

    ``limit`` is in seconds of training or in kimg; ``runs`` is how many runs are over, ``kimg``
    where in training the measurements that count stand on average.
    """

    axis: Axis
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


def choose_baseline(table: MetricTable, baseline: str | None = None) -> str:
    """Return the baseline's name: the one asked for, else ``vanilla``, else the first row.

    Raises:
        UnknownNameError: the table has no such variant.
    """
    names = [row.variant for row in table.rows]
    if baseline is None:
        return "vanilla" if "vanilla" in names else names[0]
    if baseline not in names:
        near = suggest(baseline, names)
        raise UnknownNameError(
            f"There is no variant '{baseline}' on {table.dataset}. {near}".strip(),
            f"There are: {', '.join(names)}.",
        )
    return baseline


def compare_to(
    table: MetricTable, baseline: str | None = None, *, confidence: float = 0.95
) -> list[Comparison]:
    """Compare every variant of a table with a baseline, metric by metric.

    Raises:
        UnknownNameError: the table has no such baseline.
    """
    if not table.rows:
        return []
    base = table.row(choose_baseline(table, baseline))
    found = []
    for row in table.rows:
        for column in table.columns:
            one, other = row.cells.get(column.name), base.cells.get(column.name)
            if row is not base and one is not None and other is not None:
                found.append(_compare(row, base, column, one, other, confidence))
    corrected = iter(holm([one.paired.p_value for one in found if one.paired]))
    return [replace(one, corrected=next(corrected) if one.paired else None) for one in found]


def _compare(
    row: VariantRow,
    base: VariantRow,
    column: MetricColumn,
    one: Cell,
    other: Cell,
    confidence: float,
) -> Comparison:
    first = {value.seed: value.value for value in one.values}
    second = {value.seed: value.value for value in other.values}
    shared = [seed for seed in first if seed in second and seed is not None]
    return Comparison(
        variant=row.variant,
        baseline=base.variant,
        column=column,
        paired=paired_difference(
            [first[seed] for seed in shared],
            [second[seed] for seed in shared],
            confidence=confidence,
        )
        if shared
        else None,
        improvement=probability_of_improvement(
            list(first.values()),
            list(second.values()),
            better="lower" if column.better == "lower" else "higher",
            confidence=confidence,
        ),
    )


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
    axis: Axis,
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


def _slack(run: RunRecord, axis: Axis) -> float:
    """Return the images of one iteration in kimg: a run of so many kimg ends with a whole one."""
    recipe = mapping(run.config.get("recipe"))
    size, steps = number(recipe.get("batch_size")), number(recipe.get("discriminator_steps"))
    return size * steps / 1000 if axis == "kimg" and size and steps else 0.0


def _diverged_before(run: RunRecord, axis: Axis, limit: float) -> bool:
    spent = run.seconds if axis == "seconds" else run.kimg
    return run.status == "diverged" and (spent is None or spent < limit)


def _reached(members: Sequence[tuple[RunRecord, Curve]], axis: Axis) -> float:
    whole = [curve for run, curve in members if run.status != "diverged"]
    spent = [_points(curve, axis)[-1] for curve in whole or [curve for _, curve in members]]
    return max(spent)


def _points(curve: Curve, axis: Axis) -> tuple[float, ...]:
    return curve.seconds if axis == "seconds" else curve.kimg


def last_at(points: Sequence[float], limit: float) -> int | None:
    """Return the index of the last point at or before a limit; None if all are beyond it."""
    within = [index for index, point in enumerate(points) if point <= limit * (1 + 1e-9)]
    return within[-1] if within else None
