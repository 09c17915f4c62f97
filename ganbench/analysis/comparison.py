# SPDX-License-Identifier: MIT
"""Treatments held against their baselines, seed by seed.

A trick is held against the same model, on the same dataset and in the same setting, without it.
Where no group of runs has more than one set of tricks, all variants of a dataset are held against
one of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Literal

from ganbench.analysis.stats import (
    Improvement,
    PairedDifference,
    detectable_difference,
    holm,
    paired_difference,
    probability_of_improvement,
)
from ganbench.analysis.tables import MetricColumn, MetricTable, VariantRow
from ganbench.errors import UnknownNameError, suggest
from ganbench.records.measurement import Better
from ganbench.records.run_folder import FAILURES

ALPHA = 0.05
POWER = 0.8
PLAIN = "none"
"""How a baseline of no added tricks is asked for."""

TROUBLE = ("diverged", "collapsed")


@dataclass(frozen=True)
class Trouble:
    """How many of the ``runs`` that are over have diverged or collapsed."""

    count: int
    runs: int

    @property
    def share(self) -> float:
        """The share of them; zero of no runs."""
        return self.count / self.runs if self.runs else 0.0


@dataclass(frozen=True)
class Comparison:
    """A variant against the baseline in one metric.

    ``paired`` is over the seeds that both have and None if there are none; ``lost`` counts the
    seeds that both have run and that make no pair, because one run has no value. ``family`` is
    the number of treatments tested against the baseline in this metric; ``corrected`` and
    ``t_corrected`` are the p values of the permutation and of the t test after Holm's correction
    for it. ``detectable`` is the true difference that the t test detects with a probability of
    0.8 at the level 0.05 / family. ``relative`` is the difference by the baseline's mean, signed
    as the difference. ``means`` are those of treatment and baseline over the pairs.
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
    """Return one baseline for a whole table: the one asked for, else ``vanilla``, else the first.

    It is asked for by its label, by its set of tricks, or as ``none``.

    Raises:
        UnknownNameError: the table has no such variant.
    """
    names = [row.variant for row in table.rows]
    if baseline is None:
        return "vanilla" if "vanilla" in names else names[0]
    if baseline in names:
        return baseline
    tricks = _tricks_asked_for(table, baseline)
    return next(row.variant for row in table.rows if row.tricks == tricks)


def _tricks_asked_for(table: MetricTable, baseline: str) -> str:
    """Return the set of tricks that a baseline is asked for by."""
    known = baseline_names([table])
    if baseline not in known:
        raise UnknownNameError(
            f"There is no variant '{baseline}' on {table.dataset}. "
            f"{suggest(baseline, known)}".strip(),
            f"There are: {', '.join(known)}.",
        )
    return known[baseline]


def baseline_names(tables: Sequence[MetricTable]) -> dict[str, str]:
    """Return all names by which a baseline can be asked for, with the set of tricks they mean."""
    rows = [row for table in tables for row in table.rows]
    names = {row.variant: row.tricks for row in rows}
    names |= {row.tricks or PLAIN: row.tricks for row in rows}
    return names


def compare_to(
    table: MetricTable, baseline: str | None = None, *, confidence: float = 0.95
) -> list[Comparison]:
    """Compare every treatment of a table with its baseline, metric by metric.

    Raises:
        UnknownNameError: the table has no such baseline.
    """
    found: list[Comparison] = []
    for base, rows in _groups(table, baseline):
        for column in table.columns:
            family = [
                one for row in rows if (one := _compare(row, base, column, confidence)) is not None
            ]
            found += _corrected(family)
    order = {row.variant: index for index, row in enumerate(table.rows)}
    return sorted(found, key=lambda one: order[one.variant])


def _groups(table: MetricTable, baseline: str | None) -> list[tuple[VariantRow, list[VariantRow]]]:
    """Return each baseline with the rows that are held against it."""
    if not table.rows:
        return []
    by_setting: dict[tuple[str, str], list[VariantRow]] = {}
    for row in table.rows:
        by_setting.setdefault((row.model, row.setting), []).append(row)
    if all(len({row.tricks for row in rows}) == 1 for rows in by_setting.values()):
        base = table.row(choose_baseline(table, baseline))
        return [(base, [row for row in table.rows if row is not base])]
    tricks = "" if baseline is None else _tricks_asked_for(table, baseline)
    groups = []
    for rows in by_setting.values():
        base = next((row for row in rows if row.tricks == tricks), rows[0])
        groups.append((base, [row for row in rows if row is not base]))
    return groups


def _compare(
    row: VariantRow, base: VariantRow, column: MetricColumn, confidence: float
) -> Comparison | None:
    """Compare two rows; None where the metric was not measured of both.

    A side whose runs all diverged or failed is measured, as it were: it lost every pair.
    """
    cell, other = row.cells.get(column.name), base.cells.get(column.name)
    if (cell is None and not _came_to_nothing(row)) or (
        other is None and (cell is None or not _came_to_nothing(base))
    ):
        return None
    values, others = ([one.value for one in side.values] if side else [] for side in (cell, other))
    first, second = (
        {one.seed: one.value for one in side.values} if side else {} for side in (cell, other)
    )
    shared = [seed for seed in first if seed in second and seed is not None]
    both = _seeds_over(row) & _seeds_over(base)
    better: Better = "lower" if column.better == "lower" else "higher"
    found = Comparison(
        variant=row.variant,
        baseline=base.variant,
        column=column,
        paired=None,
        improvement=probability_of_improvement(values, others, better=better, confidence=confidence)
        if values and others
        else Improvement(float(bool(values)), None, None, len(values), len(others)),
        lost=len(both - set(shared)),
        model=row.model,
        tricks=row.tricks,
        setting=row.setting,
        troubles=(_trouble(row), _trouble(base)),
    )
    return _with_pairs(found, first, second, shared, confidence) if shared else found


def _with_pairs(
    found: Comparison,
    first: Mapping[int | None, float],
    second: Mapping[int | None, float],
    shared: Sequence[int],
    confidence: float,
) -> Comparison:
    """Add what the pairs of a comparison come to."""
    treatment, baseline = [first[seed] for seed in shared], [second[seed] for seed in shared]
    paired = paired_difference(treatment, baseline, confidence=confidence)
    means = fmean(treatment), fmean(baseline)
    return replace(
        found,
        paired=paired,
        means=means,
        relative=paired.difference.value / abs(means[1]) if means[1] else None,
        differences={seed: first[seed] - second[seed] for seed in shared},
    )


def _corrected(family: Sequence[Comparison]) -> list[Comparison]:
    """Add what depends on how many treatments are held against one baseline in one metric.

    Where all differences of a treatment are the same, its t test has no spread to judge by, and
    the permutation test takes its place.
    """
    tested = [one for one in family if one.paired]
    by_permutation = holm([one.paired.p_value for one in tested if one.paired])
    by_t = holm(
        [
            one.paired.p_value if one.paired.t_p_value is None else one.paired.t_p_value
            for one in tested
            if one.paired
        ]
    )
    found = {}
    for one, corrected, t_corrected in zip(tested, by_permutation, by_t, strict=True):
        assert one.paired is not None
        deviation, n = one.paired.deviation, one.paired.n
        found[one.variant] = replace(
            one,
            corrected=corrected,
            t_corrected=t_corrected,
            family=len(tested),
            detectable=detectable_difference(deviation, n, ALPHA / len(tested), POWER)
            if deviation
            else None,
        )
    return [found.get(one.variant, one) for one in family]


def _seeds_over(row: VariantRow) -> set[int]:
    """Return the seeds of the runs that are over, those that came to no result included."""
    over = (run for run in row.runs if run.counted or run.status in FAILURES)
    return {run.seed for run in over if run.seed is not None}


def _came_to_nothing(row: VariantRow) -> bool:
    """Tell whether runs are over and none has a value, since all diverged or failed."""
    over = [run for run in row.runs if run.counted or run.status in FAILURES]
    return bool(over) and all(run.status not in {"done", "collapsed"} for run in over)


def _trouble(row: VariantRow) -> Trouble:
    counted = [run for run in row.runs if run.counted]
    return Trouble(sum(run.status in TROUBLE for run in counted), len(counted))
