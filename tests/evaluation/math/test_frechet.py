# SPDX-License-Identifier: MIT
"""The Frechet distance of known Gaussians, the root of the reference, and the jackknife."""

from __future__ import annotations

import numpy as np
import pytest

from ganbench.evaluation.math import frechet
from ganbench.evaluation.math.frechet import frechet_distance, jackknife, square_root
from ganbench.evaluation.math.moments import Moments, moments


def features(seed, count=300, size=12, scale=1.0, shift=0.0):
    random = np.random.default_rng(seed)
    mixing = np.random.default_rng(size).normal(size=(size, size))
    return random.normal(size=(count, size)) @ mixing * scale + shift


def test_unit_gaussians_one_apart_in_2048_dimensions_are_2048_apart():
    unit = np.eye(2048)
    real, fake = Moments(0, np.zeros(2048), unit), Moments(0, np.ones(2048), unit)
    assert frechet_distance(real, fake) == 2048.0


def test_the_root_is_one_whether_or_not_the_covariance_is_singular():
    random = np.random.default_rng(0)
    full = np.cov(features(1), rowvar=False)
    singular = np.cov(random.normal(size=(8, 12)), rowvar=False)
    dead = full.copy()
    dead[4], dead[:, 4] = 0.0, 0.0
    for covariance, rank in ((full, 12), (singular, 7), (dead, 11), (np.zeros((12, 12)), 0)):
        root = square_root(covariance)
        assert root.shape == (12, rank)
        np.testing.assert_allclose(root @ root.T, covariance, atol=1e-12 * np.abs(full).max())


def test_a_pivot_that_is_rounding_error_is_no_direction():
    almost = np.array([[1.0, 1.0], [1.0, 1.0 + 2e-16]])  # its Cholesky factor exists
    assert square_root(almost).shape == (2, 1)
    assert square_root(np.array([[1.0, 1.0], [1.0, 1.0 + 1e-12]])).shape == (2, 2)


def test_the_root_of_a_reference_is_computed_once_and_goes_with_it(monkeypatch):
    calls = []
    monkeypatch.setattr(
        frechet, "square_root", lambda covariance: calls.append(1) or square_root(covariance)
    )
    real, fake = moments(features(1)), moments(features(2))
    first = frechet_distance(real, fake)
    assert frechet_distance(real, fake) == first
    assert jackknife(real, fake, features(2)).distance == pytest.approx(first, rel=1e-12)
    assert len(calls) == 1
    assert frechet_distance(fake, real) == pytest.approx(first, rel=1e-7)
    assert len(calls) == 2
    known = len(frechet._roots)
    del real
    assert len(frechet._roots) == known - 1


def refuse(*arguments, **settings):
    raise AssertionError("a matrix of the size of the features was decomposed")


@pytest.mark.parametrize(("reals", "fakes"), [(40, 30), (30, 40), (2, 5), (300, 40), (290, 295)])
def test_few_samples_are_compared_in_the_space_that_they_span(reals, fakes, monkeypatch):
    size = 300
    real = features(1, count=reals, size=size)
    fake = features(2, count=fakes, size=size, scale=1.1, shift=0.3)
    monkeypatch.setattr(frechet, "square_root", refuse)
    monkeypatch.setattr(np.linalg, "eigh", refuse)
    estimate = jackknife(moments(real), moments(fake), fake)
    # tr (S1 S2)^(1/2) is the nuclear norm of X1 X2^T, with the centered samples in rows.
    centered = [(rows - rows.mean(axis=0)) / (len(rows) - 1) ** 0.5 for rows in (real, fake)]
    shared = np.linalg.svd(centered[0] @ centered[1].T, compute_uv=False).sum()
    apart = np.square(real.mean(axis=0) - fake.mean(axis=0)).sum()
    expected = apart + np.square(centered[0]).sum() + np.square(centered[1]).sum() - 2 * shared
    assert frechet_distance(moments(real), moments(fake)) == pytest.approx(expected, rel=3e-15)
    assert estimate.distance == pytest.approx(expected, rel=3e-15)


def test_few_samples_that_are_equal_span_nothing():
    none, some = moments(np.ones((4, 9))), moments(features(1, count=5, size=9))
    assert frechet_distance(none, none) == 0.0
    apart = np.square(some.mean - 1.0).sum() + np.trace(some.covariance)
    for real, fake in ((none, some), (some, none)):
        assert frechet_distance(real, fake) == pytest.approx(apart, rel=1e-14)
        assert jackknife(real, fake, np.ones((4, 9))).distance == pytest.approx(apart, rel=1e-14)


@pytest.mark.parametrize(("count", "size"), [(60, 6), (60, 40), (40, 40), (25, 60), (3, 5)])
@pytest.mark.parametrize("shift", [0.0, 1.0])
@pytest.mark.parametrize("few_real", [False, True])
def test_the_jackknife_is_that_of_distances_computed_anew(count, size, shift, few_real):
    real = moments(features(1, count=size // 2 + 2 if few_real else 3 * size, size=size))
    fake = features(2, count=count, size=size, scale=1.2, shift=shift)
    estimate = jackknife(real, moments(fake), fake)
    assert estimate.distance == pytest.approx(frechet_distance(real, moments(fake)), rel=1e-10)
    if count == 3:  # leaving one of three out leaves two, whose covariance has rank one
        assert np.isfinite(estimate.standard_error)
    computed_again = np.array(
        [frechet_distance(real, moments(np.delete(fake, row, axis=0))) for row in range(count)]
    )
    error = np.sqrt((count - 1) * computed_again.var())
    assert estimate.standard_error == pytest.approx(error, rel=1e-5)
    assert estimate.bias == pytest.approx(
        (count - 1) * (computed_again.mean() - estimate.distance), rel=1e-4
    )


def test_a_probe_stands_for_all_samples():
    fake = features(2, count=2000, scale=1.1, shift=0.7)
    real, whole = moments(features(1, count=4000)), moments(fake)
    full = jackknife(real, whole, fake)
    probes = [np.random.default_rng(seed).permutation(fake)[:500] for seed in range(10)]
    estimates = [jackknife(real, whole, probe) for probe in probes]
    assert all(estimate.distance == full.distance for estimate in estimates)
    np.testing.assert_allclose(
        [estimate.standard_error for estimate in estimates], full.standard_error, rtol=0.15
    )
    # Without taking the linear part away, these would differ by more than the bias itself.
    np.testing.assert_allclose([estimate.bias for estimate in estimates], full.bias, rtol=0.1)
