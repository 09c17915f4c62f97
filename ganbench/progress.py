# SPDX-License-Identifier: MIT
"""How long-running work reports progress: one protocol for training, measuring and downloads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Progress:
    """Listens to long-running work and shows nothing; override the methods that you want shown."""

    def advance(self, work: str, done: int, total: int) -> None:
        """Take note that ``done`` of ``total`` units of some work are done.

        Args:
            work: The work or its unit, in words: a dataset's name, ``bytes``, ``turns``.
            done: The number of units done so far.
            total: The number of units in all.
        """

    def tick(self, row: Mapping[str, Any], share: float, seconds_left: float) -> None:
        """Take note that a tick of training is over.

        Args:
            row: The statistics of the tick, as in ``stats.jsonl``.
            share: The share of training that is done, from 0 to 1.
            seconds_left: The estimated time until the end of training.
        """

    def measured(self, kimg: float, metrics: Mapping[str, Any]) -> None:
        """Take note of a measurement during training.

        Args:
            kimg: Thousands of real images that the discriminator has seen.
            metrics: The measurements as they are recorded, by name.
        """

    def say(self, sentence: str) -> None:
        """Take note of what is being done now."""


SILENT = Progress()
"""Shows nothing."""
