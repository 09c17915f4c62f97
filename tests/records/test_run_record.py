# SPDX-License-Identifier: MIT
"""The record of a run: each field is declared once, and read and written by that declaration."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest

from ganbench.records.json_values import field_readers
from ganbench.records.run_record import Curve, RunRecord, read_facts, read_sources

FULL: dict[str, Any] = {
    "name": "a-1",
    "status": "done",
    "identity": "0123456789abcdef",
    "model": "dcgan",
    "dataset": "mnist5k",
    "variant": "dcgan + r1, loss=hinge",
    "tricks": "r1",
    "setting": "loss=hinge",
    "seed": 3,
    "kimg": 10.5,
    "seconds": 12.25,
    "images_per_second": 833.0,
    "device": "cuda",
    "precision": "bf16",
    "threads": 2,
    "command": "ganbench run",
    "problem": "none",
    "repeats": 1,
    "primary_metric": "fid",
    "baseline": "none",
    "parameters": {"generator": 5},
    "config": {"loss": "hinge"},
    "health": {"events": [{"name": "collapse", "kimg": 3.0}], "unchecked": {}},
    "best": {"kimg": 3.0, "metric": "fid", "chosen_by": 2.0, "metrics": {"fid": {"value": 2.5}}},
}
"""A value for every field that is stored as plain data, in the order of runs.jsonl.gz."""


def test_facts_come_back_from_json_in_the_order_of_their_declaration() -> None:
    run = RunRecord(**FULL)
    assert run.facts() == FULL
    assert list(run.facts()) == list(FULL)
    assert RunRecord(**read_facts(json.loads(json.dumps(run.facts())))) == run
    assert RunRecord(**read_facts({})) == RunRecord("", "")


def test_every_field_that_json_can_hold_is_stored_or_has_a_form_of_its_own() -> None:
    declared = {entry.name for entry in fields(RunRecord)}
    apart = {"metrics", "curves", "losses", "grids", "environment", "environment_id"}
    assert declared == FULL.keys() | apart | {"unread_folder", "recording"}
    assert FULL.keys() <= field_readers(RunRecord).keys()


def test_the_columns_of_results_stand_before_and_after_the_metric() -> None:
    run = RunRecord(**FULL)
    before = ["identity", "model", "dataset", "variant", "tricks", "setting", "seed", "kimg"]
    assert list(run.facts("before")) == before
    assert list(run.facts("after")) == ["status", "seconds", "threads"]


def test_the_first_source_that_states_a_field_counts() -> None:
    result = {"identity": "r", "model": "r", "seed": 5, "precision": "bf16", "kimg": 2, "status": 1}
    config = {"model": "c", "seed": 0, "precision": "fp32"}
    stated = read_sources(
        {"config.json": {}, "config": config, "result.json": result, "env.json": {"threads": 4}}
    )
    assert stated == {
        **dict.fromkeys(("dataset", "variant", "device", "command"), ""),
        **dict.fromkeys(("seconds", "images_per_second")),
        "identity": "r",
        "model": "c",
        "seed": 0,
        "kimg": 2.0,
        "precision": "bf16",
        "threads": 4,
        "parameters": {},
        "health": {},
        "best": {},
    }


def test_a_curve_comes_back_as_it_was() -> None:
    curve = Curve("fid", (1.0, 2.0), (3.0, 4.0), (5.0, -0.0), "fid/v1", "lower", "px")
    assert Curve.read(json.loads(json.dumps(curve.record()))) == curve


@pytest.mark.parametrize(
    "damage",
    [
        {"values": [1.0]},
        {"values": [1.0, None]},
        {"values": "12"},
        {"values": 3},
        {"kimg": None},
        {"kimg": [], "seconds": [], "values": []},
    ],
)
def test_a_damaged_curve_is_none(damage: dict[str, Any]) -> None:
    row = {"name": "fid", "kimg": [1.0, 2.0], "seconds": [3.0, 4.0], "values": [5.0, 6.0]}
    assert Curve.read(row) is not None
    assert Curve.read({**row, **damage}) is None
    assert Curve.read("fid") is None
