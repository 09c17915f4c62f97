# SPDX-License-Identifier: MIT
"""What the command line says of events and of the best evaluation."""

import pytest

from ganbench.analysis.tables import metric_table
from ganbench.cli.health_output import event_table, print_best, print_events
from ganbench.health.watch import event_sentence
from ganbench.records.run_event import RunEvent
from ganbench.records.run_record import RunRecord

EVENT = RunEvent("saturation", 12.5, None, "warning", "Figures.")


def test_each_event_is_a_sentence(capsys):
    print_events({"health": {"events": [EVENT.record()], "unchecked": {}}})
    assert " ".join(capsys.readouterr().out.split()) == event_sentence(EVENT)


@pytest.mark.parametrize("result", [{}, {"health": {}}, {"health": {"events": []}}])
def test_a_healthy_run_has_none(capsys, result):
    print_events(result)
    print_best(result)
    assert capsys.readouterr().out == ""


def test_the_best_is_told_unless_it_is_the_last(capsys):
    best = {"kimg": 80.0, "metric": "fid", "chosen_by": 0.5, "metrics": {"fid": {"value": 1.25}}}
    print_best({"kimg": 80.0, "best": best})
    assert capsys.readouterr().out == ""
    print_best({"kimg": 100.0, "best": best})
    said = " ".join(capsys.readouterr().out.split())
    assert said == (
        "Best by fid: 1.25 at 80 kimg, measured on other samples than it was chosen by."
    )


def run(seed, *events):
    """Return a run that had some events."""
    health = {"events": [event.record() for event in events], "unchecked": {}}
    facts = {"model": "dcgan", "variant": "dcgan", "dataset": "ring8"}
    return RunRecord(f"r{seed}", "done", seed=seed, health=health, **facts)


def test_the_events_of_many_runs_are_a_table():
    assert event_table(metric_table([run(0), run(1)], "ring8")) is None
    table = event_table(metric_table([run(0, EVENT), run(1)], "ring8"))
    assert [list(column.cells) for column in table.columns] == [
        ["dcgan"], ["discriminator saturation"], ["1 of 2"], ["12.5"], ["1"],
    ]  # fmt: skip
