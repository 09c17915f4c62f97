# SPDX-License-Identifier: MIT
"""Paths as they are typed."""

from pathlib import Path

import pytest

from ganbench import paths
from ganbench.errors import InputError


def test_a_home_is_expanded_and_anything_else_stays(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ada")
    assert paths.expand("~/runs") == Path("/home/ada/runs")
    assert paths.expand(Path("~")) == Path("/home/ada")
    assert paths.expand("a/~b") == Path("a/~b")


@pytest.mark.parametrize("text", ["~nobody-of-that-name/runs", "~nobody-of-that-name", "a\0b"])
def test_what_is_no_path_is_a_sentence(text):
    with pytest.raises(InputError, match=r"stands for is not known\.|holds the character NUL\."):
        paths.expand(text)


@pytest.mark.parametrize("variable", ["GANBENCH_RUNS", "GANBENCH_CACHE", "GANBENCH_DATA"])
def test_a_folder_of_an_unknown_user_in_the_environment_is_a_sentence(monkeypatch, variable):
    monkeypatch.setenv(variable, "~nobody-of-that-name/x")
    with pytest.raises(InputError, match="nobody-of-that-name"):
        _ = paths.runs(), paths.cache(), paths.data_roots()
