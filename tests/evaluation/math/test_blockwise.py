# SPDX-License-Identifier: MIT
"""Arrays in blocks: every row once, in order, with the mean and the directions of whole arrays."""

from __future__ import annotations

import numpy as np
import pytest

from ganbench.evaluation.math.blockwise import blocks, mean_of, unit_rows


@pytest.mark.parametrize(("count", "size"), [(0, 3), (1, 3), (3, 3), (7, 3), (7, 100)])
def test_blocks_cover_every_row_once_and_in_order(count, size):
    parts = list(blocks(count, size))
    assert [row for part in parts for row in range(count)[part]] == list(range(count))
    assert all(0 < part.stop - part.start <= size for part in parts)


def test_the_mean_is_summed_in_float64_over_all_blocks():
    features = np.random.default_rng(0).normal(size=(5000, 3)).astype(np.float32) + 1000
    np.testing.assert_allclose(mean_of(features), features.astype(np.float64).mean(axis=0), 1e-14)


def test_rows_have_length_one_unless_they_are_zero():
    features = np.random.default_rng(0).normal(size=(50, 7)).astype(np.float32)
    features[3] = 0.0
    directions = unit_rows(features)
    lengths = np.linalg.norm(directions, axis=1)
    assert directions.dtype == np.float64
    assert lengths[3] == 0.0
    np.testing.assert_allclose(np.delete(lengths, 3), 1.0, rtol=1e-15)
    np.testing.assert_allclose(
        directions * np.linalg.norm(features.astype(float), axis=1)[:, None], features, 1e-12
    )
