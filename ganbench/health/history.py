# SPDX-License-Identifier: MIT
"""What a run has recorded so far, as the rules of its health read it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from ganbench.records.json_values import as_mapping, as_number, as_text
from ganbench.records.measurement import Measurement

RecordedRow = Mapping[str, Any]


@dataclass
class History:
    """The rows of a run up to some moment.

    ``ticks`` are rows of ``stats.jsonl``, ``evaluations`` rows of ``metrics.jsonl``. ``status`` is
    how the run ended, empty while it goes on.
    """

    ticks: list[RecordedRow] = field(default_factory=list)
    evaluations: list[RecordedRow] = field(default_factory=list)
    status: str = ""

    @property
    def kimg(self) -> float:
        """How far the run is, in thousands of real images."""
        rows = (*self.ticks[-1:], *self.evaluations[-1:])
        return max((as_number(row.get("kimg")) or 0.0 for row in rows), default=0.0)

    def recorded(self, name: str) -> list[float]:
        """Return a statistic at all ticks that have it as a finite number."""
        values = (as_number(row.get(name)) for row in self.ticks)
        return [value for value in values if value is not None]

    def latest(self, name: str, count: int) -> list[float]:
        """Return a statistic at the last ``count`` ticks; empty unless all of them have it."""
        return _numbers(self.ticks[-count:], name, count)

    def medians(self, name: str, count: int) -> Iterator[float]:
        """Yield the median of a statistic over each ``count`` successive ticks that have it."""
        for end in range(count, len(self.ticks) + 1):
            if values := _numbers(self.ticks[end - count : end], name, count):
                yield median(values)

    def measured(self, metric: str) -> dict[str, list[tuple[float, Measurement]]]:
        """Return the course of a metric, with each network: pairs of kimg and measurement.

        Measurements without a value are left out. ``fid@mnist-cnn`` is the metric ``fid``.
        """
        courses: dict[str, list[tuple[float, Measurement]]] = {}
        for row in self.evaluations:
            kimg = as_number(row.get("kimg"))
            for name, record in as_mapping(row.get("metrics")).items():
                measurement = Measurement.read(record)
                if kimg is None or measurement.value is None:
                    continue
                if as_text(name).partition("@")[0] == metric:
                    courses.setdefault(name, []).append((kimg, measurement))
        return courses


def _numbers(rows: Sequence[RecordedRow], name: str, count: int) -> list[float]:
    """Return the values of a statistic; empty unless there are ``count`` finite ones."""
    values = [as_number(row.get(name)) for row in rows]
    present = [value for value in values if value is not None]
    return present if len(present) == count else []
