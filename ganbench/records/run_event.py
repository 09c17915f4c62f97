# SPDX-License-Identifier: MIT
"""Something that went wrong in a run, and when: what ``result.json`` keeps of its health."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ganbench.records.json_values import as_mapping, as_number, as_text

Severity = Literal["warning", "failure"]
"""Whether a run may still be of use, or has come to nothing."""


@dataclass(frozen=True)
class RunEvent:
    """One kind of trouble in a run; a kind that comes back is still one event.

    ``kimg`` is when its rule held for the first time, ``until`` when it last held: None if that
    was so at the end of training. ``message`` holds the figures that the rule found then.
    """

    name: str
    kimg: float
    until: float | None
    severity: Severity
    message: str

    @property
    def lasting(self) -> bool:
        """Whether the trouble was still there at the end."""
        return self.until is None

    def record(self) -> dict[str, Any]:
        """Return the event as plain data."""
        return dict(vars(self))


def read_events(health: Mapping[str, Any]) -> tuple[RunEvent, ...]:
    """Return the events of a run's ``health``, leaving out those that are damaged."""
    rows = health.get("events")
    events = map(_read_event, rows if isinstance(rows, list) else ())
    return tuple(event for event in events if event is not None)


def _read_event(record: object) -> RunEvent | None:
    row = as_mapping(record)
    name, kimg = as_text(row.get("name")), as_number(row.get("kimg"))
    if not name or kimg is None:
        return None
    return RunEvent(
        name,
        kimg,
        as_number(row.get("until")),
        "failure" if row.get("severity") == "failure" else "warning",
        as_text(row.get("message")),
    )
