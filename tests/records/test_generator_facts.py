# SPDX-License-Identifier: MIT
"""What files say about their generators: written, read, and read with care."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganbench.records.generator_facts import GeneratorFacts
from ganbench.records.json_values import json_text

WHOLE = GeneratorFacts(100, "uniform", "labels", 10, "image", (1, 28, 28), (-1.0, 1.0))


def test_facts_come_back_from_a_document():
    assert GeneratorFacts.of_json(json_text({"generator": WHOLE.record()})) == WHOLE


def test_metadata_of_other_programs_may_state_sizes_alone():
    assert GeneratorFacts.read({"latent_dim": 64, "classes": 10}) == GeneratorFacts(
        latent_dim=64, classes=10
    )


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        [],
        {"generator": 5},
        {"latent_dim": "64", "classes": -3, "prior": "gamma", "value_range": [1, 1]},
        {"latent_dim": True, "shape": [3, 0], "kind": 7, "value_range": [0, None], "condition": 1},
    ],
)
def test_what_is_no_fact_stays_empty(metadata):
    assert GeneratorFacts.read(metadata) == GeneratorFacts()


@given(st.recursive(st.none() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=4))
def test_any_value_of_any_fact_is_read_or_left_empty(value):
    facts = GeneratorFacts.read(dict.fromkeys(vars(WHOLE), value))
    assert facts.latent_dim >= 0
    assert GeneratorFacts.read(facts.record()) == facts


def test_what_is_not_json_says_nothing():
    assert GeneratorFacts.of_json("{") == GeneratorFacts()
