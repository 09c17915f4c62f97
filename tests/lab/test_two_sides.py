# SPDX-License-Identifier: MIT
"""Two runs side by side: what each process says counts for its own run, and for no other."""

import json

import numpy as np
import pytest

from ganbench.errors import ConfigError
from ganbench.lab import two_sides
from ganbench.lab.lab_recipe import LabRecipe
from ganbench.lab.two_sides import Lab
from ganbench.lab.wire import Frame, pack_frame

RECIPE = LabRecipe().values()


class FakeTrainer:
    """A process that trains, as the test plays it."""

    def __init__(self, recipe, options, side="a"):
        self.recipe, self.side = recipe, side
        self.sent = []
        self.alive = True

    def listen(self, frame_came, text_came, ended):
        self._frame_came, self._text_came, self.dies = frame_came, text_came, ended

    def send(self, message):
        self.sent.append(message)

    def end(self):
        self.alive = False

    def shows(self, iteration, number=None):
        number = iteration if number is None else number
        header = {"frame": number, "iteration": iteration, "side": self.side, "caption": ""}
        self._frame_came(pack_frame(Frame(header, {"fake": np.zeros((5, 2), np.uint16)})))

    def says(self, **message):
        self._text_came(json.dumps(message).encode())

    def tells(self, state, reason=""):
        self.says(kind="state", state=state, speed=None, slow=False, frames=1, reason=reason)

    def begins(self):
        self.tells("starting")
        self.says(kind="hello", recipe=self.recipe, sides=1)
        self.tells("playing")
        self.shows(0)

    @property
    def until(self):
        return [message["iteration"] for message in self.sent if message["kind"] == "until"][-1]


class Loop:
    """An event loop that does everything at once, or keeps it until ``run``."""

    def __init__(self):
        self.keeps = False
        self.calls = []

    def call_soon_threadsafe(self, call, *values):
        if self.keeps:
            self.calls.append((call, values))
        else:
            call(*values)

    def call_later(self, seconds, call):
        raise AssertionError

    def run(self):
        for call, values in self.calls:
            call(*values)


@pytest.fixture
def loop():
    return Loop()


@pytest.fixture
def lab(monkeypatch, loop):
    """A lab with two runs in step, both at their beginning, which one page sees."""
    monkeypatch.setattr(two_sides, "TrainerProcess", FakeTrainer)
    lab = Lab(RECIPE, None)
    lab.listen(loop)
    lab.page = lab.hub.open()
    lab._trainers["a"].begins()
    lab.hear(lab.page, {"kind": "side", "tricks": ["r1"]})
    for trainer in sides(lab):
        trainer.begins()
    return lab


def sides(lab):
    return lab._trainers["a"], lab._trainers["b"]


def told(lab):
    """What the page has been told since the last call."""
    texts = [json.loads(text) for text in lab.page._texts]
    lab.page._texts.clear()
    return texts


def states(lab):
    return [(text["state"], text["reason"]) for text in told(lab) if text["kind"] == "state"]


def play(lab):
    """Let both runs play their first round; return the iteration at which it ends."""
    lab.hear(lab.page, {"kind": "play"})
    told(lab)
    a, b = sides(lab)
    assert a.until == b.until > 0
    return a.until


def test_frames_of_a_process_that_was_replaced_count_for_no_run(lab, loop):
    _, old = sides(lab)
    loop.keeps = True
    old.shows(300)
    old.says(kind="diagnosis", sentences=["old"])
    old.dies("It was ended.")
    lab.hear(lab.page, {"kind": "side", "tricks": ["ema"]})
    a, new = sides(lab)
    loop.keeps = False
    lab.hear(lab.page, {"kind": "play"})
    a.begins()
    told(lab)
    loop.run()
    assert new.alive
    assert lab.hub.kept["b"].at(300) is None
    assert not any("old" in text.get("sentences", ()) for text in told(lab))
    assert a.until == 0  # the new side has shown nothing yet
    new.begins()
    assert a.until == new.until > 0


def test_frames_of_the_run_before_a_reset_do_not_count_for_the_next(lab):
    play(lab)
    a, b = sides(lab)
    lab.hear(lab.page, {"kind": "reset"})
    a.shows(300)
    b.shows(300)
    a.begins()
    assert a.until == 0
    b.begins()
    assert a.until == b.until > 0
    assert lab.hub.kept["b"].at(300) == lab.hub.kept["b"].at(0)


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize(
    ("state", "reason"), [("ended", "The run has diverged."), ("failed", "There is no memory.")]
)
def test_both_stand_and_the_page_is_told_when_one_side_stops(lab, side, state, reason):
    until = play(lab)
    a, _ = sides(lab)
    sides(lab)[side].tells(state, reason)
    assert states(lab) == [(state, reason)]
    for trainer in sides(lab):  # the last frame of the one, and of the other its round's end
        trainer.shows(until)
    assert a.until == until
    a.tells("playing")  # it waits for the other, which never comes
    assert states(lab) == [(state, reason)]
    for message in (
        {"kind": "play"},
        {"kind": "step", "turn": "both"},
        {"kind": "set", "key": "loss", "value": "hinge"},
    ):
        with pytest.raises(ConfigError, match="has stopped"):
            lab.hear(lab.page, message)
    lab.hear(lab.page, {"kind": "pause"})
    lab.hear(lab.page, {"kind": "reset"})
    told(lab)
    for trainer in sides(lab):
        trainer.begins()
    assert states(lab) == [("starting", ""), ("paused", "")]
    play(lab)


def test_a_second_side_that_cannot_begin_is_told(lab):
    lab.hear(lab.page, {"kind": "side", "tricks": ["ema"]})
    a, b = sides(lab)
    a.begins()
    lab.hear(lab.page, {"kind": "play"})
    b.tells("starting")
    b.tells("failed", "It cannot be trained.")
    assert states(lab)[-1] == ("failed", "It cannot be trained.")


HINGE = {"kind": "set", "key": "loss", "value": "hinge"}


def test_both_make_a_change_or_neither(lab):
    """One that went on with another loss would be compared with a run of another kind."""
    a, b = sides(lab)
    lab.hear(lab.page, HINGE)
    lab.hear(lab.page, {**HINGE, "value": "wasserstein"})
    for trainer in sides(lab):
        checks = [message for message in trainer.sent if message["kind"] == "check"]
        assert [message["value"] for message in checks] == ["hinge", "wasserstein"]
        for check in checks[: 2 if trainer is a else 1]:  # the second side cannot make the second
            trainer.says(kind="fits", check=check["check"])
    b.says(kind="error", message="No.", hint="", client=lab.page.number)
    for trainer in sides(lab):
        made = [message for message in trainer.sent if message["kind"] == "set"]
        assert [message["value"] for message in made] == ["hinge"]
        assert made[0]["client"] == lab.page.number
    assert [text["message"] for text in told(lab) if text["kind"] == "error"] == ["No."]


def test_what_a_side_says_it_could_change_before_it_is_taken_away_changes_nothing(lab):
    a, _ = sides(lab)
    lab.hear(lab.page, HINGE)
    lab.hear(lab.page, {"kind": "side", "off": True})
    a.says(kind="fits", check=0)
    assert not [message for message in a.sent if message["kind"] == "set"]


def test_two_runs_in_step_are_as_fast_as_they_are_said_to_be(lab):
    """The speed of the one before would hold both back."""
    a, _ = sides(lab)
    speeds = [message for message in a.sent if message["kind"] == "speed"]
    assert [message["updates_per_second"] for message in speeds] == [None]


def test_own_points_which_one_process_has_are_not_trained_on_two_sides(lab):
    lab.hear(lab.page, {"kind": "side", "off": True})
    lab._trainers["a"].says(kind="hello", recipe={**RECIPE, "dataset": "own-points"}, sides=1)
    with pytest.raises(ConfigError, match="one side only"):
        lab.hear(lab.page, {"kind": "side", "tricks": ["r1"]})
    assert list(lab._trainers) == ["a"]


def test_a_second_side_whose_process_is_gone_is_taken_away_and_the_page_is_told(lab):
    play(lab)
    a, b = sides(lab)
    b.alive = False
    b.dies("The process was ended by signal 9.")
    texts = told(lab)
    assert {"kind": "side", "off": True} in texts
    (error,) = [text for text in texts if text["kind"] == "error"]
    assert error["message"] == "The second side has stopped. The process was ended by signal 9."
    assert [message["kind"] for message in a.sent[-2:]] == ["until", "pause"]
    later = lab.hub.open()
    hello = json.loads(later._texts[0])
    assert (hello["kind"], hello["sides"]) == ("hello", 1)


def test_each_frame_is_acknowledged_for_its_own_side(lab):
    page = lab.page
    page._unacknowledged = {"a": 2, "b": 2}
    lab.hear(page, {"kind": "ack", "frame": 0, "side": "b"})
    assert page._unacknowledged == {"a": 2, "b": 1}
