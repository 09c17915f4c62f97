# SPDX-License-Identifier: MIT
"""Mixtures of Gaussians against their closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from ganbench.data import open_dataset


def load(name, split="train"):
    source = open_dataset(name)
    data = source.load(split)
    return source.spec, data.values.double().numpy(), data.labels.numpy()


@pytest.mark.parametrize(
    ("name", "modes", "sigma"), [("ring8", 8, 0.01), ("grid25", 25, 0.05), ("gaussian", 1, 0.2)]
)
@pytest.mark.parametrize("split", ["train", "test"])
def test_moments_are_those_of_the_mixture(name, modes, sigma, split):
    spec, points, labels = load(name, split)
    centers = np.array(spec.mixture.centers)
    assert spec.mixture.sigma == sigma
    assert spec.classes == 0
    assert spec.shape == (2,)
    assert points.shape == (100_000, 2)
    assert len(centers) == modes
    offsets = points - centers[labels]
    # Per coordinate N(0, sigma²): mean 0 ± sigma/sqrt(n), squared distance 2 sigma² on average.
    assert np.abs(offsets.mean(0)).max() < 4 * sigma / 100_000**0.5
    squared = (offsets**2).sum(1)
    assert abs(squared.mean() / (2 * sigma**2) - 1) < 4 / 100_000**0.5
    # A squared distance is exponential: P(beyond 3 sigma) is exp(-4.5) = 1.11 %.
    beyond = (squared > 9 * sigma**2).mean()
    assert abs(beyond - np.exp(-4.5)) < 4 * (np.exp(-4.5) / 100_000) ** 0.5
    assert abs(np.corrcoef(offsets.T)[0, 1]) < 4 / 100_000**0.5


@pytest.mark.parametrize(("name", "modes"), [("ring8", 8), ("grid25", 25)])
def test_labels_are_the_nearest_centers_and_all_modes_are_equal(name, modes):
    spec, points, labels = load(name)
    distances = np.linalg.norm(points[:, None] - np.array(spec.mixture.centers), axis=2)
    np.testing.assert_array_equal(distances.argmin(1), labels)
    counts = np.bincount(labels, minlength=modes)
    expected = 100_000 / modes
    chi_squared = ((counts - expected) ** 2 / expected).sum()
    assert chi_squared < (modes - 1) + 4 * (2 * (modes - 1)) ** 0.5


def test_the_ring_has_eight_distinct_modes_at_radius_1():
    centers = np.array(open_dataset("ring8").spec.mixture.centers)
    np.testing.assert_allclose(np.linalg.norm(centers, axis=1), 1, atol=1e-12)
    apart = np.linalg.norm(centers[:, None] - centers, axis=2) + 9 * np.eye(8)
    # Neighbours on a regular octagon are 2 sin(pi/8) apart.
    np.testing.assert_allclose(apart.min(1), 2 * np.sin(np.pi / 8), atol=1e-12)


def test_the_grid_is_that_of_the_paper():
    centers = open_dataset("grid25").spec.mixture.centers
    assert sorted(centers) == [(x, y) for x in (-4, -2, 0, 2, 4) for y in (-4, -2, 0, 2, 4)]


def test_the_splits_are_different_samples():
    (_, train, _), (_, test, _) = load("ring8"), load("ring8", "test")
    assert not set(map(bytes, train)) & set(map(bytes, test))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ring8", [[0.9948819, 0.0015726], [1.0028598, 0.0081353]]),
        ("grid25", [[-0.0130164, -1.9809818], [4.0869985, 2.0316744]]),
    ],
)
def test_the_points_of_version_1(name, expected):
    # numpy may change how it draws normal numbers; then the version has to be raised.
    np.testing.assert_allclose(load(name)[1][:2], expected, atol=1e-6)
