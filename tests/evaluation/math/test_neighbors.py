# SPDX-License-Identifier: MIT
"""Neighbors and near pairs against sorted float64 matrices, with ties and few samples."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from fake_card import fake_card
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from ganbench.evaluation.math import neighbors
from ganbench.evaluation.math.neighbors import Distances, first_equal_rows, nearest, pairs_below


def drawn(count, size, *, seed=0, offset=0.0):
    random = np.random.default_rng(seed)
    return (random.normal(size=(count, size)) + offset).astype(np.float32)


def squares(first, second):
    return cdist(first.astype(np.float64), second.astype(np.float64), "sqeuclidean")


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks so small that a few dozen samples fill several, and the last ones in part."""
    monkeypatch.setattr(neighbors, "ROWS", 32)
    monkeypatch.setattr(neighbors, "COLUMNS", 16)


@pytest.mark.parametrize(("count", "size"), [(100, 3), (97, 70), (33, 300), (16, 70)])
def test_the_nearest_of_the_same_set_are_those_of_the_sorted_matrix(small_blocks, count, size):
    features = drawn(count, size, offset=10.0)
    result = nearest(features, 4)
    expected = squares(features, features)
    np.fill_diagonal(expected, np.inf)
    assert np.array_equal(result.indices, expected.argsort(axis=1)[:, :4])
    np.testing.assert_allclose(result.squared, np.sort(expected, axis=1)[:, :4], rtol=1e-12)


@pytest.mark.parametrize(("count", "others"), [(50, 90), (90, 50), (1, 40)])
def test_the_nearest_of_another_set_are_those_of_the_sorted_matrix(small_blocks, count, others):
    features, among = drawn(count, 80), drawn(others, 80, seed=1, offset=0.3)
    result = nearest(features, 3, among=among)
    expected = squares(features, among)
    assert np.array_equal(result.indices, expected.argsort(axis=1)[:, :3])
    np.testing.assert_allclose(result.squared, np.sort(expected, axis=1)[:, :3], rtol=1e-12)


def test_duplicates_are_at_distance_zero_however_far_from_the_origin():
    features = drawn(60, 200, offset=100.0)
    features[20:40] = features[3]
    result = nearest(features, 5)
    assert (result.squared[20:40] == 0).all()
    assert (result.squared[3] == 0).all()
    assert (result.squared[:3] > 0).all()


def test_what_is_near_is_told_apart_where_float32_cannot():
    # Around |x|^2 = 200 float32 knows squared distances to about 1e-4; these differ by 1e-7.
    features = np.zeros((5, 200), dtype=np.float32)
    features[:, 1:] = drawn(1, 199)
    features[:, 0] = [0.0, 1e-3, 3e-3, 7e-3, 15e-3]
    result = nearest(features, 2)
    assert result.indices[:, 0].tolist() == [1, 0, 1, 2, 3]
    np.testing.assert_allclose(result.squared[0], [1e-6, 9e-6], rtol=1e-6)


def test_neighbors_that_float32_confuses_are_put_in_order():
    # In each group of four, squared distances are as large as float32's error.
    random = np.random.default_rng(0)
    features = np.repeat(random.normal(size=(50, 200)), 4, axis=0)
    features = (features + 2e-4 * random.normal(size=(200, 200))).astype(np.float32)
    expected = squares(features, features)
    np.fill_diagonal(expected, np.inf)
    assert np.array_equal(nearest(features, 1).indices[:, 0], expected.argmin(axis=1))


@pytest.mark.parametrize("among_others", [False, True])
@pytest.mark.parametrize("exact", [1, 3])
def test_neighbors_are_exact_where_many_are_as_near_as_float32_is_wrong(
    monkeypatch, among_others, exact
):
    # As of a generator that has collapsed to a few images, each of them with some noise.
    monkeypatch.setattr(neighbors, "ROWS_AT_ONCE", 64)
    random = np.random.default_rng(0)
    features = np.repeat(random.normal(size=(20, 200)), 10, axis=0)
    features = (features + 2e-4 * random.normal(size=(200, 200))).astype(np.float32)
    features[50:] += random.normal(size=(150, 200)).astype(np.float32)  # these are clear
    expected = squares(features, features)
    others = features if among_others else None
    if not among_others:
        np.fill_diagonal(expected, np.inf)
    found = nearest(features, 5, among=others, exact=exact)
    order = expected.argsort(axis=1)[:, :exact]
    assert np.array_equal(found.indices[:, :exact], order)
    np.testing.assert_allclose(
        found.squared[:, :exact], np.take_along_axis(expected, order, axis=1), rtol=1e-9, atol=0
    )


def test_equal_samples_are_not_searched_again(monkeypatch):
    features = np.repeat(drawn(3, 100), 50, axis=0)
    monkeypatch.setattr(neighbors, "ROWS_AT_ONCE", 0)  # blocks of no rows are an error
    assert not nearest(features, 3).squared.any()


def test_only_the_first_need_be_exact():
    features = drawn(80, 100)
    whole, part = nearest(features, 6), nearest(features, 6, exact=2)
    assert np.array_equal(part.squared[:, :2], whole.squared[:, :2])
    np.testing.assert_allclose(part.squared, whole.squared, rtol=1e-5)


def test_fewer_neighbors_where_there_are_fewer():
    features = drawn(3, 70)
    result = nearest(features, 5)
    assert result.squared.shape == result.indices.shape == (3, 2)
    assert sorted(result.indices[0].tolist()) == [1, 2]
    assert nearest(features[:1], 5).squared.shape == (1, 0)


def test_distances_are_symmetric_to_the_last_bit():
    first, second = drawn(40, 333), drawn(40, 333, seed=1)
    rows, columns = (part.ravel() for part in np.indices((40, 40)))
    forward = Distances(first, second).exact(rows, columns)
    backward = Distances(second, first).exact(columns, rows)
    assert np.array_equal(forward, backward)


def test_many_pairs_of_repeated_samples_are_computed_once(monkeypatch):
    monkeypatch.setattr(neighbors, "_MANY_PAIRS", 50)
    first, second = drawn(30, 80)[np.arange(30) % 4], drawn(25, 80, seed=1)[np.arange(25) % 3]
    rows, columns = (part.ravel() for part in np.indices((30, 25)))
    squared = Distances(first, second).exact(rows, columns)
    np.testing.assert_allclose(squared, squares(first, second).ravel(), rtol=1e-12)
    assert first_equal_rows(first).tolist() == [index % 4 for index in range(30)]


@pytest.mark.parametrize("size", [16, 65, 500])
def test_blocks_are_wrong_by_no_more_than_they_say(size):
    first, second = drawn(200, size, offset=2.0), drawn(150, size, seed=1, offset=2.0)
    distances = Distances(first, second)
    whole = slice(0, 200)
    block, error = distances.block(
        distances.centered(first, whole), distances.centered(second, whole)
    )
    wrong = np.abs(block.numpy() - squares(first, second)).max()
    assert 0 < wrong < error
    assert error < 1e-4 * squares(first, second).mean()


@given(st.integers(0, 1000))
def test_pairs_below_a_bound_are_all_there_and_on_the_right_side(seed):
    random = np.random.default_rng(seed)
    first = random.integers(0, 3, size=(20, 70)).astype(np.float32)  # so that there are ties
    second = np.concatenate([first[:5], random.integers(0, 3, size=(12, 70)).astype(np.float32)])
    expected = squares(first, second)
    row_bounds = np.sort(expected, axis=1)[:, 2]  # distances that occur: <= and < differ
    column_bounds = np.full(len(second), -1.0)
    within = np.zeros(expected.shape, dtype=bool)
    below = within.copy()
    for pairs in pairs_below(first, second, row_bounds, column_bounds):
        bounds = row_bounds[pairs.rows]
        settled = pairs.settled(bounds)
        within[pairs.rows, pairs.columns] = settled <= bounds
        below[pairs.rows, pairs.columns] = settled < bounds
    assert np.array_equal(within, expected <= row_bounds[:, None])
    assert np.array_equal(below, expected < row_bounds[:, None])


def test_a_memory_map_is_read_as_an_array_is(tmp_path):
    features = drawn(70, 80)
    features.tofile(tmp_path / "features")
    mapped = np.memmap(tmp_path / "features", np.float32, "r", shape=(70, 80))
    assert np.array_equal(nearest(mapped, 3).squared, nearest(features, 3).squared)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_finds_the_same():
    features = drawn(3000, 128)
    on_gpu, on_cpu = nearest(features, 5, device="cuda"), nearest(features, 5)
    assert np.array_equal(on_gpu.indices, on_cpu.indices)
    assert np.array_equal(on_gpu.squared, on_cpu.squared)


@pytest.mark.parametrize("room", [True, False])
@pytest.mark.parametrize("size", [5, 80])  # in float64 and in float32
def test_a_card_finds_the_same_and_keeps_features_that_it_has_room_for(monkeypatch, size, room):
    monkeypatch.setattr(neighbors, "CUDA_SIDE", 32)
    monkeypatch.setattr(neighbors, "CUDA_ROOM", 0.5 if room else 0.0)
    features, others = drawn(100, size, offset=10.0), drawn(70, size, seed=1, offset=10.0)
    expected = [nearest(features, 4), nearest(features, 4, among=others)]
    with fake_card(monkeypatch) as card:
        within = nearest(features, 4, device="cuda")
        sent_bytes = card.sent_bytes
        across = nearest(features, 4, among=others, device="cuda")
    for found, known in zip((within, across), expected, strict=True):
        assert np.array_equal(found.squared, known.squared)
        assert np.array_equal(found.indices, known.indices)
    once = len(features) * (size + 1) * (8 if size <= neighbors.PRECISE_SIZE else 4)
    assert once <= sent_bytes < 1.5 * once if room else sent_bytes > 3 * once


def test_a_sample_among_its_own_set_is_its_own_neighbor_on_a_card_too(monkeypatch):
    features = drawn(40, 5)
    with fake_card(monkeypatch):
        found = nearest(features, 1, among=features, device="cuda")
    assert found.indices[:, 0].tolist() == list(range(40))


def test_a_card_yields_the_same_pairs(monkeypatch):
    first, second = drawn(60, 70), drawn(50, 70, seed=1)
    bounds = np.sort(squares(first, second), axis=1)[:, 2], np.full(50, -1.0)

    def pairs(device):
        return [
            (pair.rows.tolist(), pair.columns.tolist(), pair.squared.tolist())
            for pair in pairs_below(first, second, *bounds, device=device)
        ]

    with fake_card(monkeypatch):
        on_card = pairs("cuda")
    assert on_card == pairs("cpu")
