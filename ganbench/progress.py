# SPDX-License-Identifier: MIT
"""How long work tells how far it is: one protocol for training, measuring and downloading."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Progress:
    """Hears how far long work is, and shows nothing: override the methods that you want shown."""

    def advance(self, what: str, done: int, total: int) -> None:
        """Hear that ``done`` of ``total`` units of some work are done: samples, bytes, turns."""

    def tick(self, row: Mapping[str, Any], share: float, seconds_left: float) -> None:
        """Hear the statistics of a tick of training, the share that is done, and the time left."""

    def measured(self, kimg: float, metrics: Mapping[str, Any]) -> None:
        """Hear what a measurement during training gave: measurements as records, by name."""

    def say(self, sentence: str) -> None:
        """Hear what is being done now."""


SILENT = Progress()
"""Shows nothing."""
