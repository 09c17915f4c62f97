# SPDX-License-Identifier: MIT
"""Which of many runs a page shows, so that it can still be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ganbench.analysis.tables import MetricTable
from ganbench.analysis.verdicts import Verdict

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


def _rank(verdict: Verdict) -> tuple[bool, float]:
    """Return the place of a verdict: differences that are shown come first, the largest before."""
    relative = verdict.pairs.relative if verdict.pairs else None
    return verdict.kind == "unclear", -abs(relative or 0.0)
