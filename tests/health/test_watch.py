# SPDX-License-Identifier: MIT
"""The watch finds each event once, with its dates, and as well in records as while training."""

import json
import random

import pytest
from histories import evaluation, ticks

from ganbench import registry
from ganbench.health.saturation import DISCRIMINATOR_SIGNAL
from ganbench.health.watch import (
    DETECTORS,
    OF_EVALUATIONS,
    Watch,
    dated_message,
    event_sentence,
    watch_over,
)
from ganbench.records.json_values import json_text, parse_json
from ganbench.records.run_event import RunEvent, read_events

ALL_EVENTS = {
    "divergence",
    "collapse",
    "saturation",
    "vanishing-gradient",
    "mode-drop",
    "oscillation",
    "memorization",
}


def saturated(begin, end):
    """Return ticks whose discriminator is saturated between two of them."""
    return ticks({DISCRIMINATOR_SIGNAL: lambda kimg: 0.001 if begin <= kimg <= end else 0.5})


def test_every_kind_of_event_has_a_detector():
    assert DETECTORS.keys() == ALL_EVENTS
    assert set(OF_EVALUATIONS) < ALL_EVENTS


@pytest.mark.parametrize("detector", DETECTORS.values(), ids=DETECTORS)
def test_what_is_offered_against_an_event_is_in_the_registry(detector):
    assert detector.tricks or detector.losses
    assert set(detector.tricks) <= set(registry.tricks.names())
    assert set(detector.losses) <= set(registry.losses.names())
    for name in (*detector.tricks, *detector.losses):
        assert name in detector.advice


@pytest.mark.parametrize("detector", DETECTORS.values(), ids=DETECTORS)
def test_texts_are_sentences(detector):
    for text in (detector.rule, detector.meaning, detector.advice):
        assert text.endswith(".")
        assert "  " not in text


def test_an_event_begins_where_its_rule_first_holds_and_is_told_once():
    watch = Watch()
    begun = {row["kimg"]: watch.tick(row) for row in saturated(31, 100)}
    assert [kimg for kimg, events in begun.items() if events] == [36.0]  # 6 of 10 are below
    (event,) = watch.events
    assert (event.name, event.kimg, event.until) == ("saturation", 36.0, None)
    assert event.lasting
    assert begun[36.0] == [event]


def test_an_event_ends_where_its_rule_last_held():
    (event,) = watch_over(saturated(31, 60), []).events
    assert (event.kimg, event.until) == (36.0, 64.0)
    assert not event.lasting


def test_an_event_that_comes_back_is_one_event_that_lasts():
    rows = [*saturated(31, 60)[:80], *saturated(81, 100)[80:]]
    (event,) = watch_over(rows, []).events
    assert (event.kimg, event.until) == (36.0, None)


def test_a_warning_that_becomes_a_failure_is_told_again():
    watch = Watch()
    for row in ticks({"logits/fake": lambda kimg: 1.0 if kimg < 50 else 1e5}, 60):
        watch.tick(row)
    (event,) = watch.events
    assert event.severity == "warning"
    (again,) = watch.tick({"kimg": 61.0, "logits/fake": float("nan")})
    assert (again.name, again.severity, again.kimg) == ("divergence", "failure", event.kimg)
    assert watch.events == (again,)


def test_records_show_what_the_training_showed():
    noise = random.Random(0)
    rows = ticks(
        {
            DISCRIMINATOR_SIGNAL: lambda kimg: 0.001 if 30 < kimg < 70 else 0.5,
            "logits/fake": lambda kimg: noise.gauss(0, 1),
            "loss/generator/adversarial": lambda kimg: 0.1 if kimg < 100 else float("inf"),
        }
    )
    measured = [
        evaluation(kimg, {"modes": modes})
        for kimg, modes in [(25, 8), (50.5, 8), (75, 5), (100, 5)]
    ]
    live = Watch()
    for row in rows:
        live.tick(row)
        for other in measured:
            if row["kimg"] <= other["kimg"] < row["kimg"] + 1:
                live.measured(other)
    live.end("diverged")
    read = [parse_json(json_text(row)) for row in rows]
    later = watch_over(read, [parse_json(json_text(row)) for row in measured], "diverged")
    assert later.record() == live.record()
    assert [event.name for event in live.events] == ["saturation", "divergence", "mode-drop"]


def test_a_measurement_at_the_same_kimg_replaces_the_one_from_before_a_crash():
    rows = [evaluation(25, {"modes": 8}), *[evaluation(50, {"modes": 5})] * 2]
    assert not watch_over([], rows).events
    assert watch_over([], [*rows, evaluation(75, {"modes": 5})]).events


def test_the_record_comes_back_and_says_what_was_not_looked_for():
    watch = watch_over(saturated(31, 100), [], "done")
    record = json.loads(json_text(watch.record()))
    assert read_events(record) == watch.events
    assert record["unchecked"] == {
        "collapse": "the diversity of samples was not recorded",
        "vanishing-gradient": "signal/generator and gradient/generator were not recorded",
        "mode-drop": "modes was not measured twice on 20 samples or more for each mode",
        "oscillation": "there are fewer than 40 ticks with both losses",
        "memorization": "authpct was not measured more than once",
    }


def test_a_run_without_rows_has_no_events():
    for status in ("", "done"):
        assert watch_over([], [], status).events == ()


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"kimg": None},
        {"kimg": "x", "loss/generator/adversarial": []},
        {"kimg": 1, "metrics": 3},
        {"kimg": 1, "metrics": {"modes": None, "authpct": "many", "mifid": {"value": {}}}},
    ],
)
def test_damaged_rows_are_no_reason_to_fail(row):
    watch = watch_over([row] * 90, [row] * 3, "done")
    assert {event.name for event in watch.events} <= {"divergence"}


def test_an_event_in_words():
    event = RunEvent("saturation", 36.0, 64.0, "warning", "Figures.")
    detector = DETECTORS["saturation"]
    assert dated_message(event) == "Discriminator saturation, 36 to 64 kimg: Figures."
    assert event_sentence(event) == " ".join(
        [dated_message(event), detector.meaning, detector.advice]
    )
    unknown = RunEvent("hunger", 36.0, None, "warning", "Figures.")
    assert event_sentence(unknown) == "Hunger, from 36 kimg on: Figures."
