# SPDX-License-Identifier: MIT
"""How much of many runs a page shows, so that it stays one that can be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ganbench.analysis.tables import MetricTable
from ganbench.analysis.verdicts import Verdict

MOST_RUNS = 300
"""Up to so many runs on a dataset all are drawn; beyond, some variants and some of their seeds."""

MOST_VARIANTS = 16
MOST_SEEDS = 5
MOST_ROWS = 120
"""So many rows a table has at most."""

MOST_NUMBERS = 600
"""So many runs are listed one by one."""


@dataclass(frozen=True)
class Drawn:
    """The variants of a dataset that are drawn, and the runs whose courses are.

    ``first`` are those runs whose losses and samples are: unless all are drawn, one a variant.
    """

    variants: tuple[str, ...]
    runs: frozenset[str]
    first: frozenset[str]
    whole: bool


def select_drawn(table: MetricTable, found: Sequence[Verdict]) -> Drawn:
    """Choose what is drawn: all, or the variants whose difference is shown, with baselines.

    Among those the difference counts that is largest by its baseline; places that are left go
    to the others, in the order of the table. ``found`` are the verdicts on the main metric.
    """
    every = tuple(row.variant for row in table.rows)
    if sum(len(row.runs) for row in table.rows) <= MOST_RUNS:
        names = frozenset(run.name for row in table.rows for run in row.runs)
        return Drawn(every, names, names, whole=True)
    ranked = sorted(
        found, key=lambda one: (one.kind == "unclear", -abs(one.comparison.relative or 0.0))
    )
    wanted = dict.fromkeys(
        name for one in ranked for name in (one.comparison.baseline, one.comparison.variant)
    )
    chosen = set([*wanted, *(name for name in every if name not in wanted)][:MOST_VARIANTS])
    rows = [row for row in table.rows if row.variant in chosen]
    return Drawn(
        variants=tuple(row.variant for row in rows),
        runs=frozenset(run.name for row in rows for run in row.runs[:MOST_SEEDS]),
        first=frozenset(row.runs[0].name for row in rows),
        whole=False,
    )
