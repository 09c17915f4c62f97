# SPDX-License-Identifier: MIT
"""Work that threads do ahead of its consumer, in order, with bounded memory."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Condition
from typing import TypeVar

T = TypeVar("T")

Claim = Callable[[int], None]
"""Called by the work before it allocates that many bytes; waits until there is room for them."""

HELD_BYTES = 256 * 2**20
"""Most bytes of results that wait to be consumed, apart from the next result."""

THREADS = min(8, os.cpu_count() or 1)


class _Room:
    """The bytes that results may hold; the result that is consumed next never waits for room."""

    def __init__(self, held_bytes: int) -> None:
        self._changed = Condition()
        self._most = held_bytes
        self._claims: dict[int, int] = {}
        self._next = 0
        self._closed = False

    def claim(self, index: int, size_bytes: int) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._fits(index, size_bytes))
            self._claims[index] = size_bytes

    def consumed(self, index: int) -> None:
        with self._changed:
            self._claims.pop(index, None)
            self._next = index + 1
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _fits(self, index: int, size_bytes: int) -> bool:
        held = sum(self._claims.values())
        return self._closed or index == self._next or held + size_bytes <= self._most


def ahead(
    act: Callable[[int, Claim], T], count: int, *, depth: int, held_bytes: int = HELD_BYTES
) -> Generator[T, None, None]:
    """Yield ``act(index, claim)`` for every index below ``count``, in order, made in threads.

    Once the iterator is closed or ends, no thread is left. An error in ``act`` is raised when the
    turn of its result comes.

    Args:
        act: Makes the result of an index, and claims the memory that the result needs.
        count: The number of results.
        depth: The most results that are in progress or waiting.
        held_bytes: The most bytes of results that wait to be consumed.
    """
    room = _Room(held_bytes)
    waiting: deque[Future[T]] = deque()
    taken = 0

    def claim_and_act(index: int) -> T:
        return act(index, lambda size_bytes: room.claim(index, size_bytes))

    with ThreadPoolExecutor(THREADS, thread_name_prefix="ganbench-ahead") as pool:
        try:
            for index in range(count):
                waiting.append(pool.submit(claim_and_act, index))
                if len(waiting) == depth:
                    yield waiting.popleft().result()
                    room.consumed(taken)
                    taken += 1
            while waiting:
                yield waiting.popleft().result()
                room.consumed(taken)
                taken += 1
        finally:
            room.close()
            for future in waiting:
                future.cancel()
