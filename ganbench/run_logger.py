# SPDX-License-Identifier: MIT
"""The observer of a run: what ``--log NAME`` hands on to a tool that shows training.

A logger is made when a run begins, and again when an interrupted run goes on. It then forgets what
an earlier command wrote for the same run, and is given everything that the run's records hold: a
resumed run neither loses nor doubles a point.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar


@dataclass(frozen=True)
class LoggedRun:
    """What a logger knows of a run."""

    folder: Path
    """The folder of the run; a logger writes below it, or next to it."""
    key: str
    """Sixteen hexadecimal digits that stay the same when the run is resumed."""
    began: float
    """When the run began, in seconds since 1970."""
    config: Mapping[str, Any]
    """The configuration, as in ``config.json``."""

    @property
    def name(self) -> str:
        """The name of the run: that of its folder."""
        return self.folder.name

    @property
    def settings(self) -> dict[str, Any]:
        """The configuration with dotted names, such as ``recipe.kimg``; without empty values."""
        return dict(_flat(self.config))


class RunLogger:
    """Shows a run in another tool. Subclasses are registered, and chosen with ``--log NAME``.

    Args:
        run: The run that begins, or goes on.
    """

    packages: ClassVar[tuple[str, ...]] = ()
    """The modules that it imports; a missing one is named before anything is trained."""
    install: ClassVar[str] = ""
    """The command that installs them."""

    def __init__(self, run: LoggedRun) -> None:
        self.run = run

    def values(self, images: int, seconds: float, values: Mapping[str, float]) -> None:
        """Take numbers of the run's records, by name: ``loss/…``, ``metrics/fid``.

        Args:
            images: The real images that the discriminator has seen; it never decreases.
            seconds: The time of training so far.
            values: Finite numbers, as they are recorded.
        """

    def picture(self, images: int, seconds: float, file: Path) -> None:
        """Take a grid of samples, a PNG file, drawn from the same latents each time."""

    def end(self, status: str, metrics: Mapping[str, float]) -> None:
        """Take how the run ended, and its last measurements under the names of ``values``.

        Args:
            status: ``done``, ``collapsed``, ``diverged`` or ``interrupted``.
            metrics: Empty unless the run is over.
        """


def _flat(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Return nested settings as pairs of a dotted name and a number, text or truth value."""
    pairs: list[tuple[str, Any]] = []
    for key, value in values.items():
        if isinstance(value, Mapping):
            pairs += _flat(value, f"{prefix}{key}.")
        elif isinstance(value, bool | int | float | str):
            pairs.append((f"{prefix}{key}", value))
        elif value:
            pairs.append((f"{prefix}{key}", str(value)))
    return pairs
