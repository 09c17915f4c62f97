# SPDX-License-Identifier: MIT
"""Events come back from their records, and damaged ones are left out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ganbench.records.run_event import RunEvent, read_events

EVENT = RunEvent("saturation", 12.5, None, "failure", "Figures.")


def test_an_event_comes_back_as_it_was() -> None:
    events = (EVENT, RunEvent("mode-drop", 3.0, 4.0, "warning", ""))
    record = {"events": [event.record() for event in events], "unchecked": {}}
    assert read_events(json.loads(json.dumps(record))) == events
    assert [event.lasting for event in events] == [True, False]


@pytest.mark.parametrize(
    "damage", [{"name": ""}, {"name": None}, {"kimg": None}, {"kimg": "early"}, {"kimg": True}]
)
def test_a_damaged_event_is_left_out(damage: dict[str, Any]) -> None:
    whole = EVENT.record()
    assert read_events({"events": [{**whole, **damage}, whole, 3, None]}) == (EVENT,)


@pytest.mark.parametrize("health", [{}, {"events": None}, {"events": {"a": 1}}])
def test_without_events_there_are_none(health: dict[str, Any]) -> None:
    assert read_events(health) == ()


def test_a_message_names_no_place_on_a_machine() -> None:
    record = {**EVENT.record(), "message": "Fewer by /home/someone/net.py."}
    (event,) = read_events({"events": [record]})
    assert "/home" not in event.message
