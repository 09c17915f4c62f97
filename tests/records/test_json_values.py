# SPDX-License-Identifier: MIT
"""JSON values: read by the declared types of the fields that they become."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganbench.records.json_values import (
    DEEPEST,
    as_counts,
    as_mapping,
    as_number,
    as_text,
    as_whole,
    field_readers,
    finite,
    json_text,
    parse_json,
    read_fields,
)

ANY_TEXT = st.text(st.characters(exclude_categories=()))
"""Texts that may hold lone surrogates, as paths do whose bytes are not UTF-8."""

ANY_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=12,
)


@dataclass(frozen=True)
class Example:
    """One field of each type that JSON has a reader for, and one that it has none for."""

    text: str
    repeats: int
    whole: int | None
    number: float | None
    counts: Mapping[str, int]
    mapping: Mapping[str, Any]
    folder: Path | None = None


EMPTY = {"text": "", "repeats": 0, "whole": None, "number": None, "counts": {}, "mapping": {}}


def test_each_field_is_read_as_the_type_it_is_declared_with() -> None:
    row = {
        "text": "see /home/someone/a.txt",
        "repeats": 2,
        "whole": 3,
        "number": 1,
        "counts": {"a": 1, "b": "many", "c": True},
        "mapping": {"x": [1]},
        "folder": "ignored",
    }
    assert read_fields(Example, row) == {
        "text": "see a.txt",
        "repeats": 2,
        "whole": 3,
        "number": 1.0,
        "counts": {"a": 1},
        "mapping": {"x": [1]},
    }
    assert isinstance(read_fields(Example, row)["number"], float)
    assert "folder" not in field_readers(Example)


@pytest.mark.parametrize("value", [None, True, [1], object(), math.nan, math.inf])
def test_a_value_of_a_wrong_type_is_empty(value: object) -> None:
    assert read_fields(Example, dict.fromkeys(EMPTY, value)) == EMPTY
    assert read_fields(Example, {}) == EMPTY
    assert (as_text(value), as_whole(value), as_number(value)) == ("", None, None)
    assert (as_mapping(value), as_counts(value)) == ({}, {})


def test_a_whole_number_is_not_a_fraction() -> None:
    assert (as_whole(2), as_whole(2.0), as_number(2)) == (2, None, 2.0)


@given(ANY_VALUE)
def test_what_is_written_can_be_read(value: object) -> None:
    for text in (json_text(value), json_text(value, indent=2)):
        assert text.isascii()
        assert parse_json(text) == parse_json(text.encode()) == finite(value)


@pytest.mark.parametrize(
    "number", [2**1024, -(10**5000), math.nan, -math.inf], ids=["bits", "digits", "nan", "inf"]
)
def test_a_number_that_no_float_can_hold_is_null(number: float) -> None:
    assert json_text([number, 2**63]) == f"[null,{2**63}]"
    assert as_number(number) is None


@pytest.mark.parametrize("inside", ["", '"\\udcff"'])
def test_what_is_too_deep_is_refused_in_one_way(inside: str) -> None:
    def nested(levels: int) -> str:
        return "[" * levels + inside + "]" * levels

    assert parse_json(nested(DEEPEST))
    for levels in (DEEPEST + 2, 2000, 200_000):
        with pytest.raises(ValueError):  # noqa: PT011 - what from_json and json say differs
            parse_json(nested(levels))


@pytest.mark.parametrize("text", ["1" * 5000, '{"a": ', "", b"\xff", '"\\udc"', "[1,]"])
def test_text_that_is_no_json_is_refused(text: str | bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        parse_json(text)
