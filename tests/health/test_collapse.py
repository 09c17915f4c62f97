# SPDX-License-Identifier: MIT
"""Samples that were different and are no longer."""

import pytest
from histories import history_of

from ganbench.health.collapse import _find


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (0.9, 0.01, True),
        (0.9, 0.06, False),
        (0.25, 0.04, True),
        (0.1, 0.01, False),  # a generator that has not learned to vary yet
    ],
)
def test_variety_must_have_been_there_to_be_lost(before, now, expected):
    shares = {"diversity": lambda kimg: before if kimg < 50 else now}
    found = _find(history_of(shares))
    assert bool(found) == expected
    assert not found or found.severity == "failure"


def test_the_status_of_a_run_is_an_event():
    assert not _find(history_of({}, status="done"))
    assert _find(history_of({}, status="collapsed"))


def test_diversity_is_recorded_now_and_then():
    shares = {"diversity": lambda kimg: {20: 0.9, 40: 0.01}.get(kimg)}
    assert not _find(history_of(shares, 39))
    assert _find(history_of(shares, 41)), "the last one counts until there is another"
