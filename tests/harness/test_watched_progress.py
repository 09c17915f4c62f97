# SPDX-License-Identifier: MIT
"""Progress that is watched says what goes wrong, once, and passes on all else."""

from histories import evaluation, ticks

from ganbench.harness.watched_progress import WatchedProgress
from ganbench.health.saturation import DISCRIMINATOR_SIGNAL
from ganbench.health.watch import event_sentence, watch_over
from ganbench.progress import Progress


class Listener(Progress):
    """Keeps what it is told."""

    def __init__(self):
        self.heard = []

    def advance(self, *told):
        self.heard.append(("advance", *told))

    def tick(self, *told):
        self.heard.append(("tick", *told))

    def measured(self, *told):
        self.heard.append(("measured", *told))

    def say(self, sentence):
        self.heard.append(sentence)


def test_everything_is_passed_on():
    listener = Listener()
    watched = WatchedProgress(listener)
    watched.advance("turns", 1, 2)
    watched.tick({"kimg": 1.0}, 0.5, 3.0)
    watched.measured(1.0, {"fid": {"value": 3.0}})
    watched.say("A sentence.")
    assert listener.heard == [
        ("advance", "turns", 1, 2),
        ("tick", {"kimg": 1.0}, 0.5, 3.0),
        ("measured", 1.0, {"fid": {"value": 3.0}}),
        "A sentence.",
    ]


def test_an_event_is_said_when_it_begins_after_its_tick():
    rows = ticks({DISCRIMINATOR_SIGNAL: lambda kimg: 0.0}, 30)
    listener = Listener()
    watched = WatchedProgress(listener)
    for row in rows:
        watched.tick(row, 0.0, 0.0)
    (event,) = watched.watch.events
    said = event_sentence(event)
    assert [told for told in listener.heard if isinstance(told, str)] == [said]
    assert listener.heard.index(said) == 10


def test_the_end_is_watched_and_recorded():
    rows = ticks({DISCRIMINATOR_SIGNAL: lambda kimg: 0.5}, 30)
    listener = Listener()
    watched = WatchedProgress(listener)
    watched.watch = watch_over(rows, [evaluation(20, {"modes": 8})])
    record = watched.ended(30.0, {"modes": {"value": 5}}, "done")
    (event,) = record["events"]
    assert (event["name"], event["kimg"], event["until"]) == ("mode-drop", 30.0, None)
    assert len(listener.heard) == 1
    assert "oscillation" in record["unchecked"]
