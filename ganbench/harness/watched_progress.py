# SPDX-License-Identifier: MIT
"""Progress that is watched: what goes wrong in a run is said when it begins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ganbench.health.watch import Watch, event_sentence
from ganbench.progress import Progress
from ganbench.records.run_event import RunEvent


class WatchedProgress(Progress):
    """Passes on all that it is told, and says each event in the health of the run once.

    Args:
        progress: What it passes everything on to.
    """

    def __init__(self, progress: Progress) -> None:
        self.watch = Watch()
        self._progress = progress

    def advance(self, work: str, done: int, total: int) -> None:
        """Pass on how far some work is."""
        self._progress.advance(work, done, total)

    def say(self, sentence: str) -> None:
        """Pass on what is being done now."""
        self._progress.say(sentence)

    def tick(self, row: Mapping[str, Any], share: float, seconds_left: float) -> None:
        """Pass on the statistics of a tick, and look for events."""
        self._progress.tick(row, share, seconds_left)
        self._tell(self.watch.tick(row))

    def measured(self, kimg: float, metrics: Mapping[str, Any]) -> None:
        """Pass on a measurement during training, and look for events."""
        self._progress.measured(kimg, metrics)
        self._tell(self.watch.measured({"kimg": kimg, "metrics": metrics}))

    def ended(self, kimg: float, metrics: Mapping[str, Any], status: str) -> dict[str, Any]:
        """Take in how the run ended; return the record of its health.

        Args:
            kimg: How long it was trained.
            metrics: The measurements at the end, as they are recorded, by name.
            status: ``done``, ``diverged`` or ``collapsed``.
        """
        self._tell(self.watch.measured({"kimg": kimg, "metrics": metrics}))
        self._tell(self.watch.end(status))
        return self.watch.record()

    def _tell(self, events: Iterable[RunEvent]) -> None:
        for event in events:
            self._progress.say(event_sentence(event))
