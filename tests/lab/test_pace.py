# SPDX-License-Identifier: MIT
"""Play, pause, steps and speed, on a clock that the test moves."""

import pytest

from ganbench.lab import pace as module
from ganbench.lab.pace import FRAMES_PER_SECOND, TRAINING_PER_FRAME, Pace


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 100.0

        def perf_counter(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def simulated(clock, pace, seconds, update, frame):
    """Let a run go on for some seconds; return how many updates and frames there were."""
    end, updates, frames = clock.now + seconds, 0, 0
    while clock.now < end:
        if pace.frame_is_due(updates):
            clock.now += frame
            pace.shown(frame)
            frames += 1
        if pace.wait_seconds() > 0:
            clock.now += min(pace.wait_seconds(), 0.1)
            continue
        pace.go()
        clock.now += update
        updates += 1
    return updates / seconds, frames / seconds


def test_at_full_speed_frames_take_an_eighth_of_the_training_at_most(clock):
    pace = Pace(playing=True)
    updates, frames = simulated(clock, pace, 20, update=0.003, frame=0.015)
    assert updates == pytest.approx((1 / 0.003) / (1 + 1 / TRAINING_PER_FRAME), rel=0.03)
    assert frames < 10
    _, frames = simulated(clock, pace, 20, update=0.003, frame=0.0005)
    assert frames == pytest.approx(FRAMES_PER_SECOND, rel=0.1)


def test_a_chosen_speed_is_kept_and_leaves_room_for_all_frames(clock):
    pace = Pace(playing=True, updates_per_second=40.0)
    updates, frames = simulated(clock, pace, 20, update=0.003, frame=0.015)
    assert updates == pytest.approx(40, rel=0.02)
    assert frames == pytest.approx(FRAMES_PER_SECOND, rel=0.35)
    pace.updates_per_second = 150.0
    updates, _ = simulated(clock, pace, 20, update=0.003, frame=0.015)
    assert updates == pytest.approx(150, rel=0.05)


def test_steps_are_counted_down_and_a_recording_shows_every_nth_iteration(clock):
    pace = Pace()
    assert pace.stands(0)
    pace.steps.extend(["both", "both"])
    assert not pace.stands(0)
    pace.go()
    pace.go()
    assert pace.stands(2)
    pace = Pace(playing=True, until=4)
    assert [pace.stands(iteration) for iteration in (3, 4, 5)] == [False, True, True]
    assert not pace.frame_is_due(4)
    pace = Pace(every=3)
    assert [iteration for iteration in range(8) if pace.frame_is_due(iteration)] == [0, 3, 6]
