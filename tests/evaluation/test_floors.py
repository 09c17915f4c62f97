# SPDX-License-Identifier: MIT
"""Floors: the values of real samples, when they are computed, and where there is none."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from ganbench import registry
from ganbench.evaluation.evidence import Evidence, of_features
from ganbench.evaluation.floors import as_many
from ganbench.evaluation.math.frechet import frechet_distance
from ganbench.evaluation.math.moments import moments
from ganbench.evaluation.reference import Reference
from ganbench.evaluation.reference_statistics import read_statistics
from ganbench.gan import Mixture
from ganbench.samples.sample_set import of_tensor


def test_the_floor_of_fid_is_between_two_halves_of_the_real_set(noise):
    measured = Reference(noise).evaluate(noise.values[:10])["fid@mnist-cnn"]
    features = registry.networks.get("mnist-cnn")().extract(noise.values).features.double().numpy()
    second = np.random.default_rng(0).random(60) < 0.5
    halves = [moments(features[~second]), moments(features[second])]
    assert measured.floor == pytest.approx(frechet_distance(*halves), rel=1e-9)
    assert "n_real=60/n_fake=10" in measured.protocol
    assert (measured.n, measured.n_real) == (10, 60)


def test_other_floors_are_those_of_as_many_real_samples(digits):
    reference = Reference(digits, metrics=["modes", "is@mnist-cnn"])
    few, many = (reference.evaluate(digits.values[:count]) for count in (12, 5000))
    assert few["modes"].floor < 10 == many["modes"].floor
    own = reference.evaluate(digits.values)["is@mnist-cnn"]
    assert many["is@mnist-cnn"].floor == pytest.approx(own.value, rel=1e-9)


def test_fresh_samples_of_a_known_density_have_the_count_that_was_measured(square):
    mixture = square.spec.mixture
    fresh = as_many(Evidence(3, points=np.zeros((3, 2)), mixture=mixture), 5000)
    assert fresh.points.shape == (5000, 2)
    centers = np.array(mixture.centers)
    distances = np.sqrt(np.square(fresh.points[:, None] - centers).sum(axis=2)).min(axis=1)
    # The distance from a center in the plane has a Rayleigh distribution.
    assert distances.mean() == pytest.approx(mixture.sigma * math.sqrt(math.pi / 2), rel=0.03)
    again = as_many(Evidence(9, points=np.ones((9, 2)), mixture=mixture), 5000)
    assert np.array_equal(fresh.points, again.points)


def test_as_many_samples_are_a_random_part_or_all():
    features = np.arange(40.0).reshape(20, 2)
    probabilities = np.arange(60.0).reshape(20, 3)
    real = Evidence(20, features=features, probabilities=probabilities, distances=np.arange(9.0))
    part = as_many(real, 7)
    assert part.count == len(part.features) == len(part.probabilities) == 7
    rows = (part.features[:, 0] / 2).astype(int)
    assert len(set(rows)) == 7
    assert rows.tolist() != list(range(7))
    np.testing.assert_array_equal(part.probabilities, probabilities[rows])
    np.testing.assert_array_equal(part.distances, np.arange(9.0))
    whole = as_many(real, 1000)
    assert whole.count == 20
    assert sorted(whole.features[:, 0]) == sorted(features[:, 0])


def test_where_there_is_no_floor_it_is_none(noise, square, tmp_path):
    without = Reference(noise, floors=False).evaluate(noise.values[:20])
    assert {measurement.floor for measurement in without.values()} == {None}
    paired = Reference(of_tensor(noise.values), metrics=["lpips-paired@structure"])
    (measurement,) = paired.evaluate(of_tensor(noise.values.flip(0))).values()
    assert measurement.value > 0
    assert measurement.floor is None
    summary = of_features(np.random.default_rng(0).normal(size=(300, 128))).moments
    np.savez(tmp_path / "moments.npz", mu=summary.mean, sigma=summary.covariance)
    statistics = read_statistics(tmp_path / "moments.npz")
    reference = Reference(statistics, metrics=["fid@mnist-cnn"])
    assert reference.evaluate(noise.values)["fid@mnist-cnn"].floor is None  # it has no halves
    one = Reference(noise.take(torch.arange(3)), metrics=["kid@mnist-cnn"])
    assert one.evaluate(noise.values)["kid@mnist-cnn"].floor is None  # a half has one sample
    far = replace(square, spec=replace(square.spec, mixture=Mixture(((9.0, 9.0),), 0.1)))
    assert Reference(far, metrics=["reverse-kl"]).evaluate(square.values)["reverse-kl"].floor == 0


def test_a_floor_is_computed_once_for_each_count(digits, monkeypatch):
    modes = registry.metrics.get("modes")
    counts = []
    of_counts = modes.of_counts

    def counting(self, counted, *, seed):
        counts.append(counted.samples)
        return of_counts(self, counted, seed=seed)

    monkeypatch.setattr(modes, "of_counts", counting)
    reference = Reference(digits, metrics=["modes"])
    for count in (10, 10, 20, 10):
        reference.evaluate(digits.values[-count:])
    assert counts == [10, 10, 10, 20, 20, 10]
