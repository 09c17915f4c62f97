# SPDX-License-Identifier: MIT
"""JSON values: read by the declared types of the fields that they become."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ganbench.records.json_values import (
    as_counts,
    as_mapping,
    as_number,
    as_text,
    as_whole,
    field_readers,
    read_fields,
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
