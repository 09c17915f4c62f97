# SPDX-License-Identifier: MIT
"""Descriptions of data that travel with a generator: written, read, opened when needed."""

from dataclasses import replace
from pathlib import Path

import pytest

from ganbench.data import open_dataset
from ganbench.data.described_source import DescribedSource, read_spec, spec_record
from ganbench.errors import GanbenchError, InputError
from ganbench.gan import DataSpec
from ganbench.records.json_values import json_text, parse_json

HERE = Path("config.json")


@pytest.mark.parametrize(
    "spec",
    [
        open_dataset("ring8").spec,
        open_dataset("mnist5k").spec,
        DataSpec("pairs", "1", (3, 16, 16), source=(1, 16, 16)),
        DataSpec("texts", "1", (3, 8), alphabet=("a", "b", " ")),
        DataSpec("sounds", "1", (1, 64), rate=8000),
        DataSpec("videos", "1", (3, 4, 8, 8), classes=5),
    ],
    ids=lambda spec: spec.name,
)
def test_a_description_comes_back(spec):
    assert read_spec(parse_json(json_text(spec_record(spec))), HERE) == spec


@pytest.mark.parametrize(
    "change",
    [
        {"shape": [1, 2, 3, 4, 5]},
        {"shape": "28"},
        {"shape": [1, 28, 0]},
        {"shape": [3, 1 << 20, 1 << 20]},
        {"shape": None},
        {"name": None, "version": None, "shape": [1.5]},
        {"mixture": {"centers": 3}},
        {"alphabet": ["a", "b"]},
        {"source": [3]},
        {"alphabet": 7},
    ],
)
def test_what_describes_no_data_is_one_sentence(change):
    record = {**spec_record(open_dataset("mnist5k").spec), **change}
    if change == {"source": [3]}:
        record["shape"] = [2]
    with pytest.raises(InputError, match=r"config\.json describes"):
        read_spec(record, HERE)


def test_the_data_are_opened_by_their_name_when_they_are_needed():
    spec = replace(open_dataset("ring8").spec, version="0")
    source = DescribedSource(spec, "ring8")
    assert source.spec.version == "0"
    assert source.opened.spec.version == "1"
    assert source.splits == open_dataset("ring8").splits
    assert len(source.load("train")) == 100_000
    absent = DescribedSource(spec, "no-such-data")
    assert absent.spec is spec
    with pytest.raises(GanbenchError):
        _ = absent.splits
