# SPDX-License-Identifier: MIT
"""Treatments compared with their baselines, seed by seed.

A trick is compared with the same model without it, on the same dataset and in the same setting.
If no group of runs has more than one set of tricks, all variants of a dataset are compared with
one of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Literal

from ganbench.analysis.significance import (
    PairedDifference,
    detectable_difference,
    holm,
    paired_difference,
)
from ganbench.analysis.stats import Improvement, probability_of_improvement
from ganbench.analysis.tables import MetricColumn, MetricTable, VariantRow
from ganbench.errors import UnknownNameError, suggest
from ganbench.records.measurement import Better
from ganbench.records.run_folder import FAILURES
from ganbench.records.run_record import RunRecord

ALPHA = 0.05
POWER = 0.8
PLAIN = "none"
"""The name of the baseline without added tricks."""

TROUBLE = ("diverged", "collapsed")
"""The statuses of runs that are over and went wrong."""


@dataclass(frozen=True)
class Trouble:
    """How many of the ``runs`` that are over diverged or collapsed."""

    count: int
    runs: int

    @property
    def share(self) -> float:
        """The share of the runs; zero if there are none."""
        return self.count / self.runs if self.runs else 0.0


@dataclass(frozen=True)
class Comparison:
    """A variant compared with its baseline in one metric.

    ``paired`` is over the seeds for which both have a value, and None if there are none.
    ``lost`` counts the seeds that both have run but that make no pair, because a run has no
    value. ``family`` is the number of treatments tested against the baseline in this metric;
    ``corrected`` and ``t_corrected`` are the p values of the permutation test and of the t test
    after Holm's correction for it. ``detectable`` is the true difference that the t test detects
    with a probability of 0.8 at the level 0.05 / family. ``relative`` is the difference divided
    by the size of the baseline's mean; it has the sign of the difference. ``means`` are the
    means of treatment and baseline over the pairs, ``differences`` the difference of each pair
    by seed, ``troubles`` the runs of treatment and baseline that went wrong.
    """

    variant: str
    baseline: str
    column: MetricColumn
    paired: PairedDifference | None
    improvement: Improvement
    corrected: float | None = None
    t_corrected: float | None = None
    detectable: float | None = None
    relative: float | None = None
    lost: int = 0
    family: int = 1
    means: tuple[float, float] | None = None
    differences: Mapping[int, float] | None = None
    troubles: tuple[Trouble, Trouble] = (Trouble(0, 0), Trouble(0, 0))
    model: str = ""
    tricks: str = ""
    setting: str = ""

    @property
    def t_p_value(self) -> float | None:
        """The p value of the paired t test before any correction."""
        return self.paired.t_p_value if self.paired else None

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


def choose_baseline(table: MetricTable, baseline: str | None = None) -> str:
    """Return the label of one baseline for a whole table.

    Args:
        table: the variants of a dataset.
        baseline: a label, a set of tricks, or ``none``. If it is None, the baseline is
            ``vanilla``, or the first variant if there is no ``vanilla``.

    Raises:
        UnknownNameError: the table has no such variant.
    """
    labels = [row.variant for row in table.rows]
    if baseline is None:
        return "vanilla" if "vanilla" in labels else labels[0]
    if baseline in labels:
        return baseline
    tricks = _requested_tricks(table, baseline)
    return next(row.variant for row in table.rows if row.tricks == tricks)


def _requested_tricks(table: MetricTable, baseline: str) -> str:
    """Return the set of tricks that the name of a baseline stands for."""
    known = baseline_names([table])
    if baseline not in known:
        raise UnknownNameError(
            f"There is no variant '{baseline}' on {table.dataset}. "
            f"{suggest(baseline, known)}".strip(),
            f"There are: {', '.join(known)}.",
        )
    return known[baseline]


def baseline_names(tables: Sequence[MetricTable]) -> dict[str, str]:
    """Return all names that a baseline may have, with the set of tricks that each stands for."""
    rows = [row for table in tables for row in table.rows]
    names = {row.variant: row.tricks for row in rows}
    names |= {row.tricks or PLAIN: row.tricks for row in rows}
    return names


def compare_to(
    table: MetricTable, baseline: str | None = None, *, confidence: float = 0.95
) -> list[Comparison]:
    """Compare every treatment of a table with its baseline, metric by metric.

    Args:
        table: the variants of a dataset.
        baseline: the name of the baseline (see ``choose_baseline``).
        confidence: the confidence of the intervals, between 0 and 1.

    Raises:
        UnknownNameError: the table has no such baseline.
    """
    comparisons: list[Comparison] = []
    for base, rows in _groups(table, baseline):
        for column in table.columns:
            family = [
                _compare(row, base, column, confidence)
                for row in rows
                if _can_compare(row, base, column)
            ]
            comparisons += _correct_family(family)
    order = {row.variant: index for index, row in enumerate(table.rows)}
    return sorted(comparisons, key=lambda comparison: order[comparison.variant])


def _groups(table: MetricTable, baseline: str | None) -> list[tuple[VariantRow, list[VariantRow]]]:
    """Return each baseline with the rows that are compared with it."""
    if not table.rows:
        return []
    by_setting: dict[tuple[str, str], list[VariantRow]] = {}
    for row in table.rows:
        by_setting.setdefault((row.model, row.setting), []).append(row)
    if all(len({row.tricks for row in rows}) == 1 for rows in by_setting.values()):
        base = table.row(choose_baseline(table, baseline))
        return [(base, [row for row in table.rows if row is not base])]
    tricks = "" if baseline is None else _requested_tricks(table, baseline)
    groups = []
    for rows in by_setting.values():
        base = next((row for row in rows if row.tricks == tricks), rows[0])
        groups.append((base, [row for row in rows if row is not base]))
    return groups


def _can_compare(row: VariantRow, base: VariantRow, column: MetricColumn) -> bool:
    """Tell whether there is something to compare: a value on one side, an outcome on the other.

    Runs that all diverged or failed are an outcome without a value: they lost every pair.
    """
    row_has, base_has = column.name in row.cells, column.name in base.cells
    if not (row_has or base_has):
        return False
    return (row_has or _came_to_nothing(row)) and (base_has or _came_to_nothing(base))


def _compare(
    row: VariantRow, base: VariantRow, column: MetricColumn, confidence: float
) -> Comparison:
    """Compare two rows in a metric, before any correction for other treatments."""
    pairs = _pairs(row, base, column)
    comparison = Comparison(
        variant=row.variant,
        baseline=base.variant,
        column=column,
        paired=None,
        improvement=_improvement(row, base, column, confidence),
        lost=len((_seeds_over(row) & _seeds_over(base)) - pairs.keys()),
        model=row.model,
        tricks=row.tricks,
        setting=row.setting,
        troubles=(_trouble(row), _trouble(base)),
    )
    return _with_pairs(comparison, pairs, confidence) if pairs else comparison


def _pairs(
    row: VariantRow, base: VariantRow, column: MetricColumn
) -> dict[int, tuple[float, float]]:
    """Return the values of treatment and baseline by seed, where both have one."""
    treatment, baseline = row.values_by_seed(column), base.values_by_seed(column)
    return {seed: (treatment[seed], baseline[seed]) for seed in treatment if seed in baseline}


def _improvement(
    row: VariantRow, base: VariantRow, column: MetricColumn, confidence: float
) -> Improvement:
    """Return how often a run of a row beats a run of the baseline; a side without values loses."""
    treatment, baseline = row.values(column), base.values(column)
    if not treatment or not baseline:
        return Improvement(float(bool(treatment)), None, None, len(treatment), len(baseline))
    better: Better = "lower" if column.better == "lower" else "higher"
    return probability_of_improvement(treatment, baseline, better=better, confidence=confidence)


def _with_pairs(
    comparison: Comparison, pairs: Mapping[int, tuple[float, float]], confidence: float
) -> Comparison:
    """Add the statistics of the pairs to a comparison."""
    treatment, baseline = (list(values) for values in zip(*pairs.values(), strict=True))
    paired = paired_difference(treatment, baseline, confidence=confidence)
    means = fmean(treatment), fmean(baseline)
    return replace(
        comparison,
        paired=paired,
        means=means,
        relative=paired.difference.value / abs(means[1]) if means[1] else None,
        differences={seed: after - before for seed, (after, before) in pairs.items()},
    )


def _correct_family(family: Sequence[Comparison]) -> list[Comparison]:
    """Add to comparisons with one baseline in one metric what depends on their number."""
    pairs = {comparison.variant: comparison.paired for comparison in family if comparison.paired}
    corrected = dict(zip(pairs, holm([paired.p_value for paired in pairs.values()]), strict=True))
    t_corrected = dict(
        zip(pairs, holm([_deciding_p_value(paired) for paired in pairs.values()]), strict=True)
    )
    return [
        replace(
            comparison,
            corrected=corrected[comparison.variant],
            t_corrected=t_corrected[comparison.variant],
            family=len(pairs),
            detectable=_detectable(comparison.paired, len(pairs)),
        )
        if comparison.paired
        else comparison
        for comparison in family
    ]


def _deciding_p_value(paired: PairedDifference) -> float:
    """Return the p value of the t test, or of the permutation test if all differences are equal.

    Equal differences have no spread, by which the t test could judge them.
    """
    return paired.p_value if paired.t_p_value is None else paired.t_p_value


def _detectable(paired: PairedDifference, family: int) -> float | None:
    """Return the true difference that the corrected t test would detect; None without a spread."""
    if not paired.deviation:
        return None
    return detectable_difference(paired.deviation, paired.n, ALPHA / family, POWER)


def _runs_over(row: VariantRow) -> list[RunRecord]:
    """Return the runs that are over, including those that came to no result."""
    return [run for run in row.runs if run.counted or run.status in FAILURES]


def _seeds_over(row: VariantRow) -> set[int]:
    """Return the seeds of the runs that are over."""
    return {run.seed for run in _runs_over(row) if run.seed is not None}


def _came_to_nothing(row: VariantRow) -> bool:
    """Tell whether runs are over and all of them diverged or failed, so that none has a value."""
    over = _runs_over(row)
    return bool(over) and all(run.status not in {"done", "collapsed"} for run in over)


def _trouble(row: VariantRow) -> Trouble:
    counted = [run for run in row.runs if run.counted]
    return Trouble(sum(run.status in TROUBLE for run in counted), len(counted))
