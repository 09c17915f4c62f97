# SPDX-License-Identifier: MIT
"""Numbers as text: their digits, signs and dashes."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganbench.analysis import number_text
from ganbench.analysis.stats import Estimate


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (5.81, 6.79, "6.31 [5.81, 6.79]"),
        (-5.7, 18.3, "6 [−6, 18]"),
        (6.3111, 6.3135, "6.3123 [6.3111, 6.3135]"),
        (6.3123, 6.3123, "6.312 [6.312, 6.312]"),
        (None, None, "6.312"),
        (-993.0, 1005.0, "6 [−993, 1,005]"),
    ],
)
def test_no_more_digits_than_the_interval_warrants(
    low: float | None, high: float | None, expected: str
) -> None:
    assert number_text.estimate_text(Estimate(6.3123, low, high, 5, "t")) == expected


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(0, 1e6))
def test_every_number_can_be_shown(value: float, half: float) -> None:
    shown = number_text.estimate_text(Estimate(value, value - half, value + half, 3, "t"))
    assert "nan" not in shown
    assert "e" not in shown
    assert not shown.startswith("−0 ")
    assert number_text.amount(value)


@given(st.floats(0.001, 0.2))
def test_a_p_value_stands_on_its_side_of_the_level(p_value: float) -> None:
    assert (float(number_text.p_text(p_value)) < 0.05) == (p_value < 0.05)


def test_missing_numbers_are_a_dash() -> None:
    assert (
        number_text.mean_text(None) == number_text.amount(None) == number_text.p_text(None) == "–"
    )
    assert number_text.fixed(math.nan, 2) == "–"
    assert number_text.fixed(-0.001, 1) == "0.0"
    assert number_text.signed_text(Estimate(0.0, 0.0, 0.0, 3, "t")) == "0 [0, 0]"
    assert number_text.signed_text(Estimate(1.0, None, None, 1, "t")) == "+1"
