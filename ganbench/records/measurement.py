# SPDX-License-Identifier: MIT
"""A measured number with all that is needed to read it: its only record, everywhere."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ganbench.records.json_values import as_number, read_fields

Better = Literal["higher", "lower"]
"""The direction in which a metric is better."""


@dataclass(frozen=True)
class Measurement:
    """A measured number with its 95 % interval, its protocol and its floor.

    ``value`` is None where no number could be measured. ``n`` counts the samples, ``n_real`` the
    real samples that they were compared with: 0 where a file of statistics does not say, None
    where nothing was recorded. ``floor`` is the value that real data give at these counts, and
    ``floor_note`` says how it was made, or why there is none. ``bias`` is the measured shift of
    the value at these counts. Two values compare if their protocols are the same text.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    n_real: int | None = None
    floor: float | None = None
    bias: float | None = None
    protocol: str = ""
    better: str = ""
    unit: str = ""
    note: str = ""
    warning: str = ""
    floor_note: str = ""

    def record(self) -> dict[str, Any]:
        """Return the measurement as plain data; a value that is not finite becomes None."""
        finite = self.value is not None and math.isfinite(self.value)
        row = {**vars(self), "value": self.value if finite else None}
        if self.n_real is None:
            del row["n_real"]
        if not self.floor_note:
            del row["floor_note"]
        return row

    @staticmethod
    def read(record: object) -> Measurement:
        """Read a measurement from JSON; a field that is missing or of a wrong type stays empty."""
        if not isinstance(record, Mapping):
            return Measurement(as_number(record))
        return Measurement(**read_fields(Measurement, record))


def floor_sentences(records: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return what the floors of recorded measurements hold for, or why there are none.

    >>> floor_sentences({"fid": {"floor_note": "at 9 and 9"}, "kid": {"floor_note": "at 9 and 9"}})
    ['Real vs. real of fid, kid: at 9 and 9.']
    """
    names: dict[str, list[str]] = {}
    for name, record in records.items():
        if record.get("floor_note"):
            names.setdefault(str(record["floor_note"]), []).append(name)
    return [f"Real vs. real of {', '.join(those)}: {note}." for note, those in names.items()]
