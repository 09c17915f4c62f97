# SPDX-License-Identifier: MIT
"""Measurements: written as plain data, and read back as they were."""

from __future__ import annotations

import json
import math

import pytest

from ganbench.records.measurement import Measurement

WHOLE = Measurement(
    12.5, 11.0, 14.0, 2500, 5000, 0.9, -0.1, "fid/v1", "lower", "px", "bootstrap", "few samples",
    "expected at 5,000 real and 2,500 fake samples",
)  # fmt: skip


def test_a_measurement_comes_back_with_every_field() -> None:
    assert Measurement.read(json.loads(json.dumps(WHOLE.record()))) == WHOLE
    assert list(WHOLE.record()) == list(vars(WHOLE))


def test_what_was_not_counted_is_not_written() -> None:
    assert "n_real" not in Measurement(1.0).record()
    assert "floor_note" not in Measurement(1.0).record()
    assert Measurement(1.0, n_real=0).record()["n_real"] == 0
    assert Measurement.read(Measurement(1.0).record()) == Measurement(1.0)


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_is_null(value: float | None) -> None:
    assert Measurement(value).record()["value"] is None


def test_a_bare_number_is_a_measurement_and_other_values_are_none() -> None:
    assert Measurement.read(3) == Measurement(3.0)
    assert Measurement.read("high") == Measurement(None)
    assert Measurement.read({"value": "high", "n": 2.5, "note": 3}) == Measurement(None)
