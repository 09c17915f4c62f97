# SPDX-License-Identifier: MIT
"""The watch over a run: the same rules at every tick while it trains, and on its records later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ganbench.health.collapse import COLLAPSE
from ganbench.health.detector import Detector
from ganbench.health.divergence import DIVERGENCE
from ganbench.health.history import History, RecordedRow
from ganbench.health.memorization import MEMORIZATION
from ganbench.health.mode_drop import MODE_DROP
from ganbench.health.oscillation import OSCILLATION
from ganbench.health.saturation import SATURATION
from ganbench.health.vanishing_gradient import VANISHING_GRADIENT
from ganbench.records.json_values import as_number
from ganbench.records.run_event import RunEvent

DETECTORS: Mapping[str, Detector] = {
    detector.name: detector
    for detector in (
        DIVERGENCE,
        COLLAPSE,
        SATURATION,
        VANISHING_GRADIENT,
        MODE_DROP,
        OSCILLATION,
        MEMORIZATION,
    )
}
"""Every kind of event by name, in the order in which they are shown."""

OF_EVALUATIONS = ("mode-drop", "memorization")
"""The events that only an evaluation, or the end, can show."""


class Watch:
    """Looks for events as the rows of a run come in; every event is found once.

    An event begins where its rule first holds, and lasts as long as the last row at which the rule
    was looked at and held.
    """

    def __init__(self) -> None:
        self._history = History()
        self._events: dict[str, RunEvent] = {}
        self._last_held: dict[str, float] = {}

    def tick(self, row: RecordedRow) -> list[RunEvent]:
        """Take in a row of ``stats.jsonl``; return the events that begin with it."""
        self._history.ticks.append(row)
        return self._look(name for name in DETECTORS if name not in OF_EVALUATIONS)

    def measured(self, row: RecordedRow) -> list[RunEvent]:
        """Take in a row of ``metrics.jsonl``; return the events that begin with it.

        It replaces a row at the same kimg, as from before a crash.
        """
        evaluations = self._history.evaluations
        if evaluations and _kimg(evaluations[-1]) == _kimg(row):
            evaluations.pop()
        evaluations.append(row)
        return self._look(OF_EVALUATIONS)

    def end(self, status: str) -> list[RunEvent]:
        """Take in how the run ended; return the events that begin there."""
        self._history.status = status
        return self._look(DETECTORS)

    def _look(self, names: Iterable[str]) -> list[RunEvent]:
        begun = []
        for name in names:
            event, finding = self._events.get(name), DETECTORS[name].find(self._history)
            if finding is None:
                if event is not None:
                    self._events[name] = replace(event, until=self._last_held[name])
                continue
            kimg = self._last_held[name] = self._history.kimg
            if event is not None and event.severity == finding.severity:
                self._events[name] = replace(event, until=None)
                continue
            since = kimg if event is None else event.kimg
            self._events[name] = RunEvent(name, since, None, finding.severity, finding.message)
            begun.append(self._events[name])
        return begun

    @property
    def events(self) -> tuple[RunEvent, ...]:
        """The events so far, the earliest first."""
        order = list(DETECTORS)
        found = self._events.values()
        return tuple(sorted(found, key=lambda event: (event.kimg, order.index(event.name))))

    @property
    def unchecked(self) -> dict[str, str]:
        """What the run's records cannot show, by the name of the event, and why."""
        reasons = {name: rule.lacking(self._history) for name, rule in DETECTORS.items()}
        return {
            name: reason for name, reason in reasons.items() if reason and name not in self._events
        }

    def record(self) -> dict[str, Any]:
        """Return what ``result.json`` keeps: the events, and what was not looked for."""
        return {
            "events": [event.record() for event in self.events],
            "unchecked": self.unchecked,
        }


def watch_over(
    ticks: Iterable[RecordedRow], evaluations: Iterable[RecordedRow], status: str = ""
) -> Watch:
    """Return the watch over a run that was recorded, as it would have been while it trained.

    Args:
        ticks: Rows of ``stats.jsonl``, in their order.
        evaluations: Rows of ``metrics.jsonl``, in their order.
        status: How the run ended; empty if it has not.
    """
    watch = Watch()
    later = sorted(evaluations, key=_kimg)
    for tick in ticks:
        while later and _kimg(later[0]) < _kimg(tick):
            watch.measured(later.pop(0))
        watch.tick(tick)
    for evaluation in later:
        watch.measured(evaluation)
    if status:
        watch.end(status)
    return watch


def event_sentence(event: RunEvent) -> str:
    """Return an event in one line: its name, its date, its figures, what it means, what may help.

    An event that this version does not know has only its figures.
    """
    detector = DETECTORS.get(event.name)
    if detector is None:
        return dated_message(event)
    return " ".join(filter(None, (dated_message(event), detector.meaning, detector.advice)))


def dated_message(event: RunEvent) -> str:
    """Return the name of an event, when it was, and its figures."""
    when = f"from {event.kimg:.4g} kimg on"
    if event.until is not None:
        when = f"{event.kimg:.4g} to {event.until:.4g} kimg"
    title = event_title(event.name)
    return f"{title[:1].upper()}{title[1:]}, {when}: {event.message}"


def event_title(name: str) -> str:
    """Return what readers call an event; an event that this version does not know is its name."""
    return DETECTORS[name].title if name in DETECTORS else name


def _kimg(row: RecordedRow) -> float:
    return as_number(row.get("kimg")) or 0.0
