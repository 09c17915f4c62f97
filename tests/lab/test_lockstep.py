# SPDX-License-Identifier: MIT
"""Two runs in step: none goes on before both have shown the same iteration."""

import pytest

from ganbench.lab.lockstep import MOST_ITERATIONS, Lockstep


class Runs:
    """What is sent to both runs, on a clock that the test moves."""

    def __init__(self):
        self.now = 5.0
        self.sent = []
        self.calls = []
        self.lockstep = Lockstep(
            self.sent.append,
            lambda seconds, call: self.calls.append((seconds, call)),
            lambda: self.now,
        )
        self.begin()

    def begin(self):
        self.lockstep.begin()
        for side in "ab":
            self.lockstep.started(side)

    @property
    def until(self):
        return [message["iteration"] for message in self.sent if message["kind"] == "until"]

    def round(self, seconds):
        self.now += seconds / 2
        self.lockstep.shown("a", self.until[-1])
        self.now += seconds / 2
        self.lockstep.shown("b", self.until[-1])


@pytest.fixture
def runs():
    return Runs()


def test_the_slower_side_is_waited_for(runs):
    runs.lockstep.play()
    assert runs.until == [0]
    runs.lockstep.shown("a", 0)
    assert runs.until == [0]
    runs.now += 0.05
    runs.lockstep.shown("b", 0)
    assert runs.until == [0, 1]
    runs.lockstep.shown("b", 1)
    runs.lockstep.shown("b", 1)
    assert runs.until == [0, 1]
    runs.lockstep.pause()
    runs.lockstep.shown("a", 1)
    assert runs.until == [0, 1]
    runs.lockstep.step()
    assert runs.until == [0, 1, 2]
    runs.round(0.05)
    assert runs.until == [0, 1, 2]


def test_rounds_grow_while_they_are_quick_and_shrink_when_they_are_slow(runs):
    runs.lockstep.play()
    for _ in range(15):
        runs.round(0.01)
    assert runs.until[-1] - runs.until[-2] == MOST_ITERATIONS
    for _ in range(12):
        runs.round(0.5)
    assert runs.until[-1] - runs.until[-2] == 1


@pytest.mark.parametrize("shown", ["neither", "one", "both"])
def test_both_go_on_after_a_turn_of_one_player(runs, shown):
    turn = {"kind": "step", "turn": "generator"}
    runs.lockstep.play()
    runs.round(0.05)  # both are on their way to iteration 1
    for side in {"neither": "", "one": "a", "both": "ab"}[shown]:
        runs.lockstep.shown(side, runs.until[-1])
    allowed = runs.until[-1]
    del runs.sent[:]
    runs.lockstep.take_turn(turn)
    until = {"kind": "until", "iteration": allowed + 1}
    assert runs.sent == [turn, until, {"kind": "play"}]
    runs.round(0.05)
    assert runs.until == [allowed + 1]
    runs.lockstep.play()
    assert runs.until[-1] > allowed + 1


def test_a_chosen_speed_is_kept(runs):
    runs.lockstep.updates_per_second = 60.0
    runs.lockstep.play()
    runs.round(0.0)
    ((seconds, call),) = runs.calls
    assert seconds == pytest.approx(1 / 30)
    assert runs.until == [0]
    runs.now += seconds
    call()
    assert runs.until == [0, 2]


def test_what_a_side_shows_before_it_has_begun_again_does_not_count(runs):
    runs.lockstep.play()
    runs.lockstep.begin()
    for side in "ab":
        runs.lockstep.shown(side, 300)
    runs.lockstep.stop("a", "ended", "The run before has ended.")
    assert runs.until == [0, 0]
    assert not runs.lockstep.stopped
    for side in "ab":
        runs.lockstep.started(side)
    runs.round(0.05)
    assert runs.until == [0, 0, 1]


@pytest.mark.parametrize("side", ["a", "b"])
def test_neither_goes_on_after_one_has_stopped_until_both_begin_again(runs, side):
    runs.lockstep.play()
    runs.lockstep.stop(side, "failed", "It broke.")
    assert runs.lockstep.state == {"state": "failed", "reason": "It broke."}
    runs.round(0.05)
    assert runs.until == [0]
    runs.begin()
    assert runs.lockstep.state == {"state": "paused", "reason": ""}
    runs.lockstep.play()
    runs.round(0.05)
    assert runs.until == [0, 0, 1]
