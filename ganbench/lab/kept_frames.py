# SPDX-License-Identifier: MIT
"""The frames of the past, for scrubbing: all recent ones, and fewer and fewer old ones."""

from __future__ import annotations

from bisect import bisect_right

MOST_FRAMES = 1500
MOST_BYTES_KEPT = 64_000_000


class KeptFrames:
    """Packed frames by number, of a bounded size.

    When there are too many, every second frame of the older half is dropped, except the first.

    Args:
        most: The most frames.
        most_bytes: The most bytes.
    """

    def __init__(self, most: int = MOST_FRAMES, most_bytes: int = MOST_BYTES_KEPT) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._frames: dict[int, bytes] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def bytes_kept(self) -> int:
        """How many bytes all frames have together."""
        return self._bytes

    def add(self, number: int, frame: bytes) -> None:
        """Keep a frame, whose number is higher than those before."""
        self._drop(number)
        self._frames[number] = frame
        self._bytes += len(frame)
        while len(self._frames) > 2 and self._too_many():
            older = list(self._frames)[1 : max(2, len(self._frames) // 2)]
            for old in older[::2]:
                self._drop(old)

    def at(self, number: int) -> bytes | None:
        """Return the last kept frame at or before a number, or the first one."""
        numbers = list(self._frames)
        if not numbers:
            return None
        return self._frames[numbers[max(0, bisect_right(numbers, number) - 1)]]

    def after(self, number: int) -> int | None:
        """Return the number of the first kept frame after a number; None if there is none."""
        return next((kept for kept in self._frames if kept > number), None)

    def sampled(self, most: int) -> list[bytes]:
        """Return at most that many of the frames, evenly, with the first and the last."""
        frames = list(self._frames.values())
        if len(frames) <= most:
            return frames
        return [frames[place * (len(frames) - 1) // (most - 1)] for place in range(most)]

    def forget_from(self, number: int) -> None:
        """Forget all frames from a number on."""
        for kept in [kept for kept in self._frames if kept >= number]:
            self._drop(kept)

    def _too_many(self) -> bool:
        return len(self._frames) > self._most or self._bytes > self._most_bytes

    def _drop(self, number: int) -> None:
        self._bytes -= len(self._frames.pop(number, b""))
