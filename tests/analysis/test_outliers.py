# SPDX-License-Identifier: MIT
"""Which magnitudes are usual."""

from __future__ import annotations

import pytest

from ganbench.analysis.outliers import largest_usual


@pytest.mark.parametrize(
    ("magnitudes", "expected"),
    [
        ([1.0, 2.0, 3.0], 3.0),
        ([1.0, 1.0, 6.0, 6.1], 6.1),
        ([1.0, 1.0, 1.0, 6.1], 1.0),
        ([0.0, 0.0, 0.0, 4.0], 4.0),
        ([0.0], 1.0),
        ([], 1.0),
    ],
)
def test_what_lies_far_beyond_the_median_is_left_out(
    magnitudes: list[float], expected: float
) -> None:
    assert largest_usual(magnitudes, most_times=6) == expected
