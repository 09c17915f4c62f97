# SPDX-License-Identifier: MIT
"""Which of many runs a page shows, so that it can still be read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ganbench.analysis.tables import MetricColumn, MetricTable
from ganbench.analysis.verdicts import WORDS, Verdict, VerdictKind
from ganbench.records.run_record import RunRecord

MOST_RUNS = 300
"""The most runs on a dataset that are all drawn; of more, some variants and some seeds are."""

MOST_VARIANTS = 16
MOST_SEEDS = 5
MOST_ROWS = 120
"""The most rows of a table."""

MOST_NUMBERS = 1000
"""The most runs that are listed individually."""


VERDICT_ORDER: tuple[VerdictKind, ...] = tuple(WORDS)
"""The kinds of verdicts, in the order in which a page tells them."""


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

    The largest of each kind of verdict come first (see ``in_turns``). Places that are left go to
    variants without a verdict, in the order of the table.

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
        for verdict in in_turns(verdicts)
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


def by_size(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Return verdicts by kind, the largest of each kind first.

    Those that show nothing come last, the ones of the lowest p value first.
    """
    return sorted(
        verdicts,
        key=lambda verdict: (VERDICT_ORDER.index(verdict.kind), -_size(verdict), _p(verdict)),
    )


def _p(verdict: Verdict) -> float:
    """Return the p value of a verdict that shows nothing, on its own."""
    if verdict.kind != "unclear" or verdict.pairs is None:
        return 1.0
    return 1.0 if (p := verdict.pairs.paired.t_p_value) is None else p


def in_turns(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Return the largest verdict of each kind, then the second largest of each, and so on.

    However many of one kind there are, the first few hold all kinds. Verdicts that show nothing
    come last.
    """
    places: list[tuple[bool, int, int, Verdict]] = []
    counts = dict.fromkeys(VERDICT_ORDER, 0)
    for verdict in by_size(verdicts):
        kind = VERDICT_ORDER.index(verdict.kind)
        places.append((verdict.kind == "unclear", counts[verdict.kind], kind, verdict))
        counts[verdict.kind] += 1
    return [place[-1] for place in sorted(places, key=lambda place: place[:-1])]


def _size(verdict: Verdict) -> float:
    """Return how large the effect of a verdict is: how far its ratio to the baseline is from one.

    It is the size of the logarithm, by which half as much is as large as twice as much. Percent
    would favor what grows: nothing falls by more than 100 %.
    """
    if verdict.kind in {"fails", "fails-less"}:
        treatment, baseline = verdict.comparison.troubles
        return abs(treatment.share - baseline.share)
    if verdict.kind == "unclear" or verdict.pairs is None:
        return 0.0
    if verdict.pairs.ratio:
        return abs(math.log(verdict.pairs.ratio.ratio.value))
    after, before = verdict.pairs.means
    if after > 0 < before:
        return abs(math.log(after / before))
    return math.log1p(abs(verdict.pairs.relative or 0.0))  # there is no ratio
