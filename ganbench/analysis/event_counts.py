# SPDX-License-Identifier: MIT
"""How many runs of each variant had which trouble, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from ganbench.analysis.tables import VariantRow
from ganbench.records.run_record import RunRecord


@dataclass(frozen=True)
class EventCount:
    """The runs of a variant that had one kind of trouble.

    Of ``runs`` runs whose health was recorded ``count`` had it, ``lasting`` of them to the end.
    ``kimg`` is the median of when it began.
    """

    variant: str
    event: str
    count: int
    lasting: int
    runs: int
    kimg: float


def with_health(runs: Sequence[RunRecord]) -> list[RunRecord]:
    """Return the runs that are over and recorded their health; older ones did not."""
    return [run for run in runs if run.counted and run.health]


def event_counts(rows: Sequence[VariantRow]) -> list[EventCount]:
    """Return a count for each variant and each kind of event that a run of it had.

    They come in the order of the rows, and of how often and how early an event was.
    """
    return [count for row in rows for count in _counts(row)]


def _counts(row: VariantRow) -> list[EventCount]:
    runs = with_health(row.runs)
    names = dict.fromkeys(event.name for run in runs for event in run.events)
    counts = []
    for name in names:
        events = [event for run in runs for event in run.events if event.name == name]
        counts.append(
            EventCount(
                row.variant,
                name,
                count=len(events),
                lasting=sum(event.lasting for event in events),
                runs=len(runs),
                kimg=median(event.kimg for event in events),
            )
        )
    return sorted(counts, key=lambda count: (-count.count, count.kimg))
