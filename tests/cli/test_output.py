# SPDX-License-Identifier: MIT
"""How numbers, times and intervals look."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganbench.cli.output import duration, format_number, interval, print_unmeasured


@given(st.floats(-1e300, 1e300))
def test_a_number_has_four_digits_and_is_near(value):
    text = format_number(value)
    assert float(text) == pytest.approx(value, rel=5.1e-4, abs=1e-300)
    assert len(text) <= 11
    digits = re.sub(r"e.*|[-.]", "", text).lstrip("0")
    assert len(digits) <= (4 if abs(value) < 1e3 or abs(value) >= 1e6 else 6)


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
def test_what_is_no_number_is_a_dash(value):
    assert format_number(value) == "–"
    assert interval(None, 1.0) == interval(1.0, None) == "–"
    assert interval(1.0, 2.5) == "1 – 2.5"


@given(st.floats(0, 1e6))
def test_a_time_for_people_comes_back(seconds):
    units = {"s": 1, "min": 60, "h": 3600}
    parts = re.findall(r"(\d+) (s|min|h)\b", duration(seconds))
    total = sum(int(count) * units[unit] for count, unit in parts)
    assert total <= round(seconds) < total + (60 if "h" in dict(map(reversed, parts)) else 1)
    assert duration(float("nan")) == duration(float("inf")) == "?"


def test_why_a_metric_was_not_measured_is_said_of_any_record(capsys):
    print_unmeasured(
        {
            "unmeasured": {
                "ppl-z": {"message": "drs chooses samples.", "hint": "Leave it out."},
                "ppl-w": {"message": "There is no mapping network.", "hint": "Leave it out."},
                "fid": None,
            }
        }
    )
    printed = capsys.readouterr().out
    assert "ppl-z was not measured: drs chooses samples." in printed
    assert "ppl-w was not measured: There is no mapping network." in printed
    assert printed.count("Leave it out.") == 1
    print_unmeasured({})
    print_unmeasured({"unmeasured": [1]})
    assert capsys.readouterr().out == ""
