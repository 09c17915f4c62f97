# SPDX-License-Identifier: MIT
"""Errors of users' code as sentences."""

import pytest
from pydantic import BaseModel

from ganbench import Recipe, registry
from ganbench.errors import ConfigError, UnknownNameError
from ganbench.user_code import call_model, place_of


def test_a_model_gets_its_data_and_parameters():
    def model(data, *, width=3, depth=2):
        return data, width, depth

    def old_style(data, width=3):
        return data, width

    def passes_on(*arguments, **parameters):
        return model(*arguments, **parameters)

    assert call_model(model, "data", {"width": 5}) == ("data", 5, 2)
    assert call_model(old_style, "data", {}) == ("data", 3)
    assert call_model(passes_on, "data", {"depth": 1}) == ("data", 3, 1)


def test_the_error_of_a_function_is_told_with_its_line():
    def fails(data):
        raise KeyError("gone")

    line = fails.__code__.co_firstlineno + 1
    with pytest.raises(
        ConfigError, match=rf"test_user_code\.py:{line}: the model fails raised"
    ) as (raised):
        call_model(fails, None, {})
    assert raised.value.message.endswith("raised KeyError: 'gone'.")
    assert isinstance(raised.value.__cause__, KeyError), "a notebook shows it, too"


def test_a_sentence_stays_a_sentence_and_a_bug_of_ganbench_stays_a_bug():
    def fails(data):
        raise UnknownNameError("A sentence.")

    with pytest.raises(UnknownNameError, match="A sentence"):
        call_model(fails, None, {})
    with pytest.raises(AttributeError):
        call_model(registry.models.get("dcgan"), None, {})


def test_a_record_of_ones_own_is_a_sentence_as_well():
    class Own(BaseModel):
        width: int

    def fails(data):
        return Own(width=data)

    with pytest.raises(
        ConfigError, match=r"Own\.width: Input should be a valid integer.*, not 'a'"
    ):
        call_model(fails, "a", {})


def test_of_a_typo_and_a_missing_key_the_typo_is_said():
    def fails(data):
        return Recipe(kimgs=data)

    with pytest.raises(ConfigError, match=r"Recipe has no key 'kimgs'\. Did you mean 'kimg'\?"):
        call_model(fails, 3, {})


def test_the_place_of_what_has_no_file():
    assert place_of(type("Made", (), {})) == f"{__name__}.Made"
    assert place_of(3) == ".3"
