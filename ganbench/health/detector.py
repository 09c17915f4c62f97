# SPDX-License-Identifier: MIT
"""The form of a rule: what it is called, what it means, when it holds, and what may help."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ganbench.config import join_words
from ganbench.health.history import History
from ganbench.records.run_event import Severity


@dataclass(frozen=True)
class Finding:
    """What a rule has found at a moment: the figures in a sentence, and how bad it is."""

    message: str
    severity: Severity = "warning"


@dataclass(frozen=True, kw_only=True)
class Detector:
    """A kind of trouble that a run's records can show.

    ``rule`` says in words when ``find`` finds it; ``find`` is a pure function of the history up to
    some moment. ``lacking`` says why the history cannot show it, and nothing where it can.
    ``tricks`` and ``losses`` are entries of the registry that the literature offers against it.
    """

    name: str
    title: str
    rule: str
    meaning: str
    find: Callable[[History], Finding | None]
    lacking: Callable[[History], str] = lambda history: ""
    tricks: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()

    @property
    def advice(self) -> str:
        """What the literature offers, in a sentence; empty where it offers nothing here."""
        offers = []
        if self.tricks:
            offers.append(f"the tricks {join_words(self.tricks)}")
        if self.losses:
            noun = "loss" if len(self.losses) == 1 else "losses"
            offers.append(f"the {noun} {join_words(self.losses)}")
        return f"The literature offers {', and '.join(offers)}." if offers else ""
