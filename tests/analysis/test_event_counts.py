# SPDX-License-Identifier: MIT
"""How many runs had which event."""

from ganbench.analysis.event_counts import EventCount, event_counts, with_health
from ganbench.analysis.tables import metric_table
from ganbench.records.run_event import RunEvent
from ganbench.records.run_record import RunRecord


def run(seed, *events, variant="dcgan", status="done", recorded=True):
    """Return a run that had some events: pairs of a name and a kimg, a third item ends it."""
    made = [
        RunEvent(name, kimg, until[0] if until else None, "warning", "")
        for name, kimg, *until in events
    ]
    health = {"events": [event.record() for event in made], "unchecked": {}}
    return RunRecord(
        f"{variant}-{seed}",
        status,
        model=variant,
        dataset="ring8",
        variant=variant,
        seed=seed,
        health=health if recorded else {},
    )


def counts(*runs):
    return event_counts(metric_table(runs, "ring8").rows)


def test_events_are_counted_by_variant_the_most_frequent_first():
    runs = [
        run(0, ("mode-drop", 5.0), ("saturation", 10.0)),
        run(1, ("saturation", 30.0, 40.0)),
        run(2),
        run(0, ("mode-drop", 7.0), variant="vanilla"),
    ]
    assert counts(*runs) == [
        EventCount("dcgan", "saturation", count=2, lasting=1, runs=3, kimg=20.0),
        EventCount("dcgan", "mode-drop", count=1, lasting=1, runs=3, kimg=5.0),
        EventCount("vanilla", "mode-drop", count=1, lasting=1, runs=1, kimg=7.0),
    ]


def test_runs_without_a_record_of_their_health_do_not_count():
    runs = [
        run(0, ("saturation", 10.0)),
        run(1, recorded=False),
        run(2, ("saturation", 10.0), status="running"),
    ]
    assert [found.name for found in with_health(runs)] == ["dcgan-0"]
    (count,) = counts(*runs)
    assert (count.count, count.runs) == (1, 1)


def test_healthy_runs_have_no_counts():
    assert counts(run(0), run(1)) == []
