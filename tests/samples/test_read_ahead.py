# SPDX-License-Identifier: MIT
"""Work in threads: in order, bounded, and over when the consumer is."""

from __future__ import annotations

import threading
import time

import pytest

from ganbench.samples.read_ahead import THREADS, ahead


def workers():
    return [thread for thread in threading.enumerate() if thread.name.startswith("ganbench-ahead")]


@pytest.mark.parametrize("depth", [1, 2, 7, 100])
def test_results_come_in_order_and_no_thread_is_left(depth):
    def act(index, claim):
        time.sleep(0.001 * (index % 3))
        return index * index

    assert list(ahead(act, 30, depth=depth)) == [index * index for index in range(30)]
    assert not workers()


def test_no_more_is_begun_than_the_depth_allows():
    begun = []

    def act(index, claim):
        begun.append(index)
        return index

    results = ahead(act, 1000, depth=10)
    for _ in range(5):
        next(results)
    assert len(begun) <= 5 + 10
    results.close()
    assert not workers()
    assert len(begun) <= 5 + 10


def test_bytes_that_wait_are_bounded_and_the_next_result_always_gets_through():
    lock, held, most = threading.Lock(), [0], [0]

    def act(index, claim):
        claim(40)
        with lock:
            held[0] += 40
            most[0] = max(most[0], held[0])
        return index

    for index, result in enumerate(ahead(act, 60, depth=50, held_bytes=100)):
        assert result == index
        with lock:
            held[0] -= 40
    assert most[0] <= 100 + 40


def test_a_result_larger_than_all_room_is_still_made():
    def act(index, claim):
        claim(10**12)
        return index

    assert list(ahead(act, 5, depth=4, held_bytes=1)) == list(range(5))


def test_stopping_early_frees_those_that_wait_for_room():
    def act(index, claim):
        claim(1)
        return index

    results = ahead(act, 100, depth=20, held_bytes=1)
    assert next(results) == 0
    assert len(workers()) <= THREADS
    results.close()
    assert not workers()


def test_what_fails_is_raised_in_its_turn():
    def act(index, claim):
        if index == 3:
            raise ValueError("three")
        return index

    results = ahead(act, 10, depth=8)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="three"):
        next(results)
    assert not workers()
