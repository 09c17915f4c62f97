# SPDX-License-Identifier: MIT
"""What goes well and wrong in a run, in words: the detectors of its health, and its modes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganbench.health.watch import DETECTORS, Watch, event_sentence
from ganbench.progress import Progress
from ganbench.records.measurement import Measurement

_NUMBER_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_SETTLED = 0.1
"""The share of training after which missing modes are worth a sentence."""
_GOOD_SHARE = 0.3
"""With fewer points of high quality than this share, the count of modes says little."""


class Diagnosis(Progress):
    """Listens to a run tick by tick, and says what it sees.

    Args:
        modes: How many modes the data have, if that is known.
        samples: How many samples the count of modes is of.
    """

    def __init__(self, modes: int | None = None, samples: int = 0) -> None:
        self.watch = Watch()
        self.modes = modes
        self.samples = samples
        self.numbers: Mapping[str, Any] = {}
        """The numbers of the last frame."""
        self.changed = False
        """Whether a tick has come in since the diagnosis was last told."""
        self._covered_since: tuple[int, float] | None = None
        self._share = 0.0

    def tick(self, row: Mapping[str, Any], share: float, seconds_left: float) -> None:
        """Take in a tick of training, with the modes that were covered last."""
        self.watch.tick(row)
        self._share, kimg = share, float(row["kimg"])
        covered = self.numbers.get("modes")
        if covered is not None:
            modes = Measurement(covered, n=self.samples, better="higher").record()
            self.watch.measured({"kimg": kimg, "metrics": {"modes": modes}})
            if self._covered_since is None or self._covered_since[0] != int(covered):
                self._covered_since = int(covered), kimg
        self.changed = True

    def ended(self, status: str) -> None:
        """Take in how the run ended."""
        self.watch.end(status)
        self.changed = True

    def message(self) -> dict[str, Any]:
        """Return the diagnosis as the page is told of it, and count it as told."""
        self.changed = False
        events = [event for event in self.watch.events if event.until is None]
        sentences = [*self._of_modes(), *map(event_sentence, events)]
        tricks = [trick for event in events for trick in DETECTORS[event.name].tricks]
        return {"kind": "diagnosis", "sentences": sentences, "tricks": list(dict.fromkeys(tricks))}

    def _of_modes(self) -> list[str]:
        """Return a sentence about the modes, once it means something."""
        good = self.numbers.get("high_quality") or 0.0
        if self._covered_since is None or not self.modes or self._share < _SETTLED:
            return []
        covered, since = self._covered_since
        if good < _GOOD_SHARE:
            return [f"Only {good:.0%} of the points are near a mode."]
        named = _NUMBER_WORDS[covered] if covered < len(_NUMBER_WORDS) else str(covered)
        sentence = f"{named.capitalize()} of {self.modes} modes since {since:.4g} kimg"
        if covered == self.modes:
            return [f"{sentence}: the generator covers the data."]
        return [f"{sentence}: the others are missing."]
