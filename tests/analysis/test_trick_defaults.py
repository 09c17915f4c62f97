# SPDX-License-Identifier: MIT
"""Defaults read from the text of tricks are those that the tricks have."""

from __future__ import annotations

import dataclasses

from ganbench import registry
from ganbench.analysis.trick_defaults import trick_defaults, with_parameters


def test_defaults_from_the_text_are_those_of_the_classes() -> None:
    read = trick_defaults()
    assert set(read) >= {"r1", "ema", "diffaugment", "pacgan"}
    for name, defaults in read.items():
        fields = {
            field.name: field.default for field in dataclasses.fields(registry.tricks.get(name))
        }
        for parameter, default in defaults.items():
            assert fields[parameter] == default, (name, parameter)
    known = sum(map(len, read.values()))
    assert known > 50


def test_an_unknown_trick_has_all_its_parameters() -> None:
    config = {"tricks": [{"name": "mine", "parameters": {"weight": 1.0}}]}
    assert with_parameters("mine", "mine", config) == "mine(weight=1)"
    for damaged in ({}, {"tricks": 3}, {"tricks": [None, {"name": "mine", "parameters": 2}]}):
        assert with_parameters("mine", "mine", damaged) == "mine"
