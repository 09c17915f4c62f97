# SPDX-License-Identifier: MIT
"""Which treatments of many a page shows: the largest of each kind of verdict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ganbench.analysis.comparison import compare_to
from ganbench.analysis.selection import MOST_RUNS, MOST_VARIANTS, by_size, in_turns, select_drawn
from ganbench.analysis.tables import MetricTable, metric_table
from ganbench.analysis.verdicts import Verdict, verdicts
from ganbench.records.run_record import RunRecord

Runs = Callable[..., list[RunRecord]]
BASE = [20.0, 22.0, 19.0, 21.0, 20.5, 20.2, 19.8, 20.9]


def judged(runs: Runs, factors: dict[str, float]) -> tuple[MetricTable, list[Verdict]]:
    groups = [runs("", BASE)]
    for name, factor in factors.items():
        groups.append(runs(name, [value * factor + (-1) ** i / 99 for i, value in enumerate(BASE)]))
    gone = [replace(run, status="collapsed") for run in runs("gone", BASE)]
    table = metric_table([run for group in [*groups, gone] for run in group], "digits")
    return table, verdicts(table, compare_to(table))


def names(verdicts: list[Verdict]) -> list[str]:
    return [verdict.subject for verdict in verdicts]


def test_a_tenth_is_as_large_as_ten_times(runs: Runs) -> None:
    _, made = judged(runs, {"twice": 2.0, "third": 0.3, "half": 0.5, "same": 1.0, "thrice": 3.0})
    assert names(by_size(made)) == ["third", "half", "thrice", "twice", "gone", "same"]
    assert names(in_turns(made)) == ["third", "thrice", "gone", "half", "twice", "same"]


def test_what_hurts_takes_no_place_from_what_helps_however_large_it_is(runs: Runs) -> None:
    factors = {f"hurts{index:02}": 3.0 + index for index in range(40)}
    table, made = judged(runs, {**factors, "helps": 0.7, "helps more": 0.6})
    assert sum(len(row.runs) for row in table.rows) > MOST_RUNS
    chosen = select_drawn(table, made).variants
    assert len(chosen) == MOST_VARIANTS
    assert {"gan", "gan + helps", "gan + helps more", "gan + gone", "gan + hurts39"} <= set(chosen)
    assert "gan + hurts00" not in chosen
