# SPDX-License-Identifier: MIT
"""A picture of texts: a line for each, and no ink outside the sheet."""

import numpy as np

from ganbench.kinds.text_picture import text_lines


def ink(texts):
    return np.array(text_lines(texts).convert("L")) < 128


def test_each_text_has_a_line():
    made = ink(["abc", "", "xyz"])
    assert made.shape == (3 * 26 + 24, 760)
    lines = [made[12 + 26 * index : 12 + 26 * (index + 1)].any() for index in range(3)]
    assert lines == [True, False, True]


def test_different_texts_look_different_and_equal_ones_alike():
    assert np.array_equal(ink(["hello"]), ink(["hello"]))
    assert not np.array_equal(ink(["hello"]), ink(["hellp"]))


def test_a_long_text_ends_in_an_ellipsis_inside_the_margin():
    made = ink(["W" * 500])
    assert made[:, 700:748].any()
    assert not made[:, 749:].any()
    assert np.array_equal(made, ink(["W" * 600]))


def test_a_line_holds_eighty_characters():
    assert not np.array_equal(ink(["i" * 80]), ink(["i" * 79 + "…"]))
    assert np.array_equal(ink(["i" * 200]), ink(["i" * 79 + "…"]))


def test_a_line_break_is_shown_as_a_space():
    assert np.array_equal(ink(["a\nb"]), ink(["a b"]))
