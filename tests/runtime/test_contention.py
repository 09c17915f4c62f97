# SPDX-License-Identifier: MIT
"""Lost processor time, on clocks that are moved by hand."""

import pytest

from ganbench.runtime.contention import Contention, busy_sentence


class Clocks:
    """Clocks of time that passes and of time that is computed."""

    passed = 100.0
    computed = 7.0

    def work(self, contention, seconds, computed):
        contention.begin()
        self.passed += seconds
        self.computed += computed
        contention.end()
        self.passed += 50.0  # what is not watched does not count


@pytest.fixture
def clocks():
    return Clocks()


@pytest.fixture
def contention(clocks):
    return Contention(lambda: clocks.passed, lambda: clocks.computed)


def test_lost_time_is_told_once_it_is_sure(clocks, contention):
    clocks.work(contention, 2.0, 1.0)
    assert contention.lost() is None  # too short a time
    clocks.work(contention, 2.0, 1.0)
    assert contention.lost() == pytest.approx(0.5)
    assert contention.lost() is None


def test_little_lost_time_is_not_told(clocks, contention):
    clocks.work(contention, 10.0, 8.0)
    assert contention.lost() is None


def test_old_time_does_not_count_again(clocks, contention):
    clocks.work(contention, 100.0, 99.0)
    assert contention.lost() is None
    clocks.work(contention, 4.0, 1.0)
    assert contention.lost() == pytest.approx(0.75)


def test_the_sentence_says_what_to_type_where_it_helps():
    assert "--threads 1" in busy_sentence(0.5, 2)
    assert busy_sentence(0.5, 1) == "Other processes keep this one from computing 50% of the time."
