# SPDX-License-Identifier: MIT
"""Time on a device: read when the device has done all its work, or by the device's own events."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch


def synchronize_device(device: torch.device) -> None:
    """Wait until a device has done all its work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


class Clock:
    """Seconds, read when the device has done all its work."""

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def now(self) -> float:
        """Wait for the device, and return the time in seconds from an arbitrary start."""
        synchronize_device(self.device)
        return time.perf_counter()

    def laps(self) -> Laps:
        """Return a stopwatch for the parts of a step."""
        return EventLaps(self.device) if self.device.type == "cuda" else Laps(self.now)


class Laps:
    """A stopwatch: each ``mark`` gives the time since the last mark to a name."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._marks: list[tuple[str, Any]] = []

    def mark(self, name: str) -> None:
        """Note that the part of this name has just ended."""
        self._marks.append((name, self._read()))

    def seconds(self) -> dict[str, float]:
        """Return the seconds by name, and start again."""
        marks, self._marks = self._marks, []
        seconds = dict.fromkeys((name for name, _ in marks[1:]), 0.0)
        for (_, before), (name, after) in pairwise(marks):
            seconds[name] += self._between(before, after)
        return seconds

    def _read(self) -> Any:
        return self._now()

    def _between(self, before: Any, after: Any) -> float:
        return float(after - before)


class EventLaps(Laps):
    """The same by CUDA events, which wait for nothing: the device's own time between marks."""

    def __init__(self, device: torch.device) -> None:
        super().__init__(time.perf_counter)
        self._device = device

    def seconds(self) -> dict[str, float]:
        """Wait for the device; return the seconds by name, and start again."""
        torch.cuda.synchronize(self._device)
        return super().seconds()

    def _read(self) -> Any:
        event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        event.record(torch.cuda.current_stream(self._device))
        return event

    def _between(self, before: Any, after: Any) -> float:
        return float(before.elapsed_time(after)) / 1000.0
