# SPDX-License-Identifier: MIT
"""A measured number with all that is needed to read it: the one record of it everywhere."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ganbench.records.json_values import as_number, as_text, as_whole

Better = Literal["higher", "lower"]
"""In which direction a metric is better."""


@dataclass(frozen=True)
class Measurement:
    """A measured number with its 95 % interval, its protocol and its floor.

    ``value`` is None where no number could be had. ``n`` counts the samples and ``n_real`` the
    real ones that they were measured against, 0 where a file of statistics does not say and None
    where nothing was recorded. The floor is what real data give. ``bias`` is by how much this n
    is measured to move the value. Two values compare if their protocols are the same text.
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

    def record(self) -> dict[str, Any]:
        """Return the measurement as plain data; a value that is not finite becomes None."""
        finite = self.value is not None and math.isfinite(self.value)
        row = {**vars(self), "value": self.value if finite else None}
        if self.n_real is None:
            del row["n_real"]
        return row

    @staticmethod
    def read(record: object) -> Measurement:
        """Read a measurement from JSON; what is missing or of a wrong type is left out."""
        if not isinstance(record, Mapping):
            return Measurement(as_number(record))
        return Measurement(
            value=as_number(record.get("value")),
            low=as_number(record.get("low")),
            high=as_number(record.get("high")),
            n=as_whole(record.get("n")),
            n_real=as_whole(record.get("n_real")),
            floor=as_number(record.get("floor")),
            bias=as_number(record.get("bias")),
            protocol=as_text(record.get("protocol")),
            better=as_text(record.get("better")),
            unit=as_text(record.get("unit")),
            note=as_text(record.get("note")),
            warning=as_text(record.get("warning")),
        )
