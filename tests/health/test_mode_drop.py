# SPDX-License-Identifier: MIT
"""Modes that samples covered and no longer cover; real courses of healthy and unhealthy runs."""

import pytest
from histories import evaluation

from ganbench.health.history import History
from ganbench.health.mode_drop import _find, _lacking


def courses(counts, status="", name="modes"):
    """Return a history with these counts of modes at successive evaluations."""
    rows = [evaluation(10 * index, {name: count}) for index, count in enumerate(counts, 1)]
    return History([], rows, status)


def dropped(counts, status="done"):
    """Return how often the rule holds along a run, and at its end."""
    found = [_find(courses(counts[:end])) for end in range(1, len(counts) + 1)]
    return sum(finding is not None for finding in found), _find(courses(counts, status)) is not None


@pytest.mark.parametrize(
    "counts",
    [
        (8, 8, 5, 7, 8, 8, 8, 7, 8, 8),  # vanilla on ring8
        (6, 8, 6, 7, 8, 8, 8, 8, 8, 8),  # wgan-gp on ring8
        (2, 5, 6, 6, 8, 9, 10, 10, 10, 10),  # vanilla on mnist5k
        (21, 23, 22, 20, 24),  # vanilla on grid25
        (8, 7, 7, 7),
        (1, 1, 1),
    ],
)
def test_modes_that_come_and_go_one_at_a_time_are_no_drop(counts):
    assert dropped(counts) == (0, False)


@pytest.mark.parametrize(
    ("counts", "times", "at_end"),
    [
        ((20, 16, 15, 12, 15), 3, True),  # vanilla + extragradient on grid25
        ((18, 11, 14, 19, 21), 1, False),  # lost and found again
        ((8, 8, 6, 6, 6), 2, True),
        ((8, 8, 8, 6), 0, True),  # at the end no other evaluation can confirm it
        ((8, 8, 8, 7), 0, False),
        ((1000, 900, 850, 790, 700), 1, True),
    ],
)
def test_modes_that_stay_away_are_a_drop(counts, times, at_end):
    assert dropped(counts) == (times, at_end)


def test_the_message_names_the_metric_and_both_counts():
    found = _find(courses([10, 4, 4], name="modes@mnist-cnn"))
    assert found is not None
    assert found.message == "modes@mnist-cnn: samples cover 4, after 10 before."


@pytest.mark.parametrize(("samples", "expected"), [(199, False), (200, True)])
def test_it_takes_twenty_samples_for_each_mode(samples, expected):
    rows = [
        evaluation(kimg, {"modes": {"value": count, "n": samples}})
        for kimg, count in enumerate([10, 4, 4], 1)
    ]
    assert bool(_find(History([], rows))) == expected
    assert bool(_lacking(History([], rows))) != expected


def test_other_metrics_are_not_modes():
    assert not _find(courses([10, 4, 4], name="modes-corrected"))
    assert _lacking(courses([10, 4, 4], name="modes-corrected"))
    assert _lacking(courses([10]))
    assert not _lacking(courses([10, 4]))
