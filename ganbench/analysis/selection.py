# SPDX-License-Identifier: MIT
"""Which of many runs a page shows, so that it can still be read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ganbench.analysis.tables import MetricColumn, MetricTable
from ganbench.analysis.verdicts import Verdict
from ganbench.records.run_record import RunRecord

MOST_RUNS = 300
"""The most runs on a dataset that are all drawn; of more, some variants and some seeds are."""

MOST_VARIANTS = 16
MOST_SEEDS = 5
MOST_ROWS = 120
"""The most rows of a table."""

MOST_NUMBERS = 600
"""The most runs that are listed individually."""


@dataclass(frozen=True)
class Drawn:
    """The selection of variants and runs that a dataset's charts show.

    ``runs`` are the runs whose curves are drawn, ``first`` those whose losses and samples are
    shown: one for each variant, unless the selection is the ``whole`` dataset.
    """

    variants: tuple[str, ...]
    runs: frozenset[str]
    first: frozenset[str]
    whole: bool


def select_drawn(table: MetricTable, verdicts: Sequence[Verdict]) -> Drawn:
    """Select all runs, or the variants whose difference is shown, with their baselines.

    Variants with the largest differences, relative to the baseline, come first. Places that are
    left go to the other variants, in the order of the table.

    Args:
        table: all variants of a dataset.
        verdicts: the verdicts on the main metric.
    """
    every = tuple(row.variant for row in table.rows)
    if sum(len(row.runs) for row in table.rows) <= MOST_RUNS:
        names = frozenset(run.name for row in table.rows for run in row.runs)
        return Drawn(every, names, names, whole=True)
    ranked = dict.fromkeys(
        name
        for verdict in sorted(verdicts, key=_rank)
        for name in (verdict.comparison.baseline, verdict.comparison.variant)
    )
    others = (name for name in every if name not in ranked)
    selected = set([*ranked, *others][:MOST_VARIANTS])
    rows = [row for row in table.rows if row.variant in selected]
    return Drawn(
        variants=tuple(row.variant for row in rows),
        runs=frozenset(run.name for row in rows for run in row.runs[:MOST_SEEDS]),
        first=frozenset(row.runs[0].name for row in rows),
        whole=False,
    )


def best_of_each(table: MetricTable, column: MetricColumn | None) -> list[RunRecord]:
    """Return the run of each variant with the best value in a column, the best of all first.

    Runs without a value come last, in the order of the table.
    """
    best = [min(row.runs, key=lambda run: _cost(run, column)) for row in table.rows if row.runs]
    return sorted(best, key=lambda run: _cost(run, column))


def _cost(run: RunRecord, column: MetricColumn | None) -> float:
    """Return the value of a run in a column, such that less is better."""
    measured = run.metrics.get(column.metric) if column else None
    if column is None or measured is None or measured.value is None:
        return math.inf
    if not column.takes(column.metric, measured.protocol):
        return math.inf
    return measured.value if column.better == "lower" else -measured.value


def _rank(verdict: Verdict) -> tuple[bool, float]:
    """Return the place of a verdict: differences that are shown come first, the largest before."""
    relative = verdict.pairs.relative if verdict.pairs else None
    return verdict.kind == "unclear", -abs(relative or 0.0)
