# SPDX-License-Identifier: MIT
"""Notices when other processes take the cores that this one computes on."""

from __future__ import annotations

import time
from collections.abc import Callable

LOST_SHARE = 0.3
"""From this share of lost time on, the machine counts as busy."""


def busy_sentence(lost: float, threads: int) -> str:
    """Return a sentence about lost time, with what to do about it.

    Args:
        lost: The share of the time that others took, from 0 to 1.
        threads: The number of threads in use.
    """
    sentence = f"Other processes keep this one from computing {lost:.0%} of the time."
    if threads == 1:
        return sentence
    return (
        f"{sentence} {threads} threads wait for each other then; one thread does not: "
        "press Ctrl-C, and repeat the command with --resume --threads 1."
    )


class Contention:
    """Compares the time that passes with the processor time that this thread is given.

    A thread that only computes gets as much as passes, unless others want the same cores.

    Args:
        passed: Returns the seconds that have passed.
        computed: Returns the seconds that this thread has computed.
        enough_seconds: How long is watched before anything is said.
    """

    def __init__(
        self,
        passed: Callable[[], float] = time.perf_counter,
        computed: Callable[[], float] = time.thread_time,
        *,
        enough_seconds: float = 3.0,
    ) -> None:
        self._clocks = passed, computed
        self._enough_seconds = enough_seconds
        self._begun: tuple[float, float] | None = None
        self._told = False
        self._passed = self._computed = 0.0

    def begin(self) -> None:
        """Begin to watch work that only computes."""
        passed, computed = self._clocks
        self._begun = passed(), computed()

    def end(self) -> None:
        """Stop watching for now."""
        assert self._begun is not None
        passed, computed = self._clocks
        self._passed += passed() - self._begun[0]
        self._computed += computed() - self._begun[1]

    def lost(self) -> float | None:
        """Return the share of time that others took, from 0 to 1, if it is much; once.

        None says that little was lost, that too little was watched, or that it was said before.
        After an answer, watching begins again.
        """
        if self._told or self._passed < self._enough_seconds:
            return None
        share = 1.0 - self._computed / self._passed
        self._passed = self._computed = 0.0
        self._told = share >= LOST_SHARE
        return share if self._told else None
