# SPDX-License-Identifier: MIT
"""Results are kept for the very arrays that they were computed from, and for no others."""

from __future__ import annotations

import numpy as np
import pytest

from ganbench.evaluation.math.memo import Memo


def test_results_are_kept_for_the_arrays_they_came_from():
    memo, made = Memo(size=2), []
    arrays = [np.full((2, 2), seed) for seed in range(3)]

    def ask(array, word=""):
        return memo.get((array,), word, lambda: made.append(0) or len(made))

    assert [ask(arrays[0]), ask(arrays[0]), ask(arrays[0], "other"), ask(arrays[1])] == [1, 1, 2, 3]
    assert ask(arrays[0]) == 4, "the oldest was let go"
    assert ask(arrays[0].copy()) == 5, "equal is not identical"


def test_an_array_at_the_address_of_one_that_is_gone_is_another():
    memo = Memo()
    array = np.zeros(3)
    memo.get((array,), "", lambda: "old")
    address = id(array)
    del array
    others = [np.zeros(3) for _ in range(100)]
    again = [other for other in others if id(other) == address]
    if not again:
        pytest.skip("the address was not used again")
    assert memo.get((again[0],), "", lambda: "new") == "new"
