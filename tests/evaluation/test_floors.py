# SPDX-License-Identifier: MIT
"""Floors: the values of real samples, when they are computed, and where there is none."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from ganbench import registry
from ganbench.data import open_dataset
from ganbench.evaluation.evidence import Evidence, of_features
from ganbench.evaluation.floors import as_many
from ganbench.evaluation.held_out import floor_of_held_out, held_out_parts
from ganbench.evaluation.math.frechet import frechet_distance
from ganbench.evaluation.math.moments import merged, moments
from ganbench.evaluation.reference import Reference
from ganbench.evaluation.reference_statistics import read_statistics
from ganbench.gan import Mixture
from ganbench.metrics import mind
from ganbench.samples.sample_set import of_tensor


def normal(count, size=8, seed=0):
    return np.random.default_rng(seed).normal(size=(count, size)).astype(np.float32)


def floor_of(name, real, n_fake):
    metric, evidence = registry.metrics.get(name)(), of_features(real)
    return metric.floor(evidence, n_fake) or floor_of_held_out(metric, evidence, n_fake)


def test_the_floor_of_300_digits_is_what_300_real_digits_get(digits):
    training = open_dataset("mnist5k").load("train")
    reference = Reference(training, metrics=["fid@mnist-cnn", "coverage@mnist-cnn"])
    measured = reference.evaluate(digits.values[:300])
    fid, coverage = measured["fid@mnist-cnn"], measured["coverage@mnist-cnn"]
    assert coverage.floor == pytest.approx(1 - math.comb(3999, 5) / math.comb(4299, 5), rel=1e-9)
    assert coverage.low < coverage.floor < coverage.high
    features = registry.networks.get("mnist-cnn")().extract(training.values).features.numpy()
    random, values = np.random.default_rng(1), []
    for _ in range(12):
        order = random.permutation(4000)
        values.append(
            frechet_distance(moments(features[order[300:]]), moments(features[order[:300]]))
        )
    assert fid.floor == pytest.approx(np.mean(values), rel=0.25)
    assert fid.floor_note == "expected at 4,000 real and 300 fake samples, by a jackknife"
    assert "reach 0.304 only, because there are only 300 samples for 4,000" in coverage.warning


def test_too_few_real_samples_have_no_floor_and_the_reason_is_given(noise):
    few = Reference(noise, metrics=["fid@mnist-cnn", "mifid@mnist-cnn", "vendi@mnist-cnn"])
    measured = few.evaluate(noise.values.repeat(2, 1, 1, 1)[:90])
    assert {measurement.floor for measurement in measured.values()} == {None}
    held_out = "none: 90 of only 60 real samples would have to be held out"
    assert (
        measured["fid@mnist-cnn"].floor_note == held_out == measured["mifid@mnist-cnn"].floor_note
    )
    assert measured["vendi@mnist-cnn"].floor_note == (
        "none: 90 samples were generated, and there are only 60 real"
    )


def test_the_floor_of_fid_for_few_samples_is_of_held_out_ones(noise):
    reference = Reference(noise)
    measured = reference.evaluate(noise.values[:10])["fid@mnist-cnn"]
    features = reference.real_evidence("fid@mnist-cnn").probe
    random, values = np.random.default_rng(0), []
    for _ in range(4):
        order = random.permutation(60)
        rest, held_out = moments(features[order[10:]]), moments(features[order[:10]])
        values.append(frechet_distance(rest, held_out))
    assert measured.floor == pytest.approx(np.mean(values), rel=1e-6)
    assert measured.floor_note == ("10 held-out real samples against the other 50, mean of 4 draws")
    assert "n_real=60/n_fake=10" in measured.protocol
    assert (measured.n, measured.n_real) == (10, 60)


@pytest.mark.parametrize("counts", [(300, 80), (300, 300), (150, 600)])
@pytest.mark.parametrize("name", ["fid", "coverage", "density", "precision", "authpct", "kid-full"])
def test_the_floor_is_the_mean_value_of_fresh_real_samples(name, counts):
    metric, values = registry.metrics.get(name)(), []
    for seed in range(16):
        real, fake = (of_features(normal(n, seed=2 * seed + i)) for i, n in enumerate(counts))
        values.append(metric.compute(real, fake, seed=0).value)
    real_sets = [normal(counts[0], seed=seed) for seed in range(90, 94)]
    floors = [floor_of(name, real, counts[1]).value for real in real_sets]
    error = (np.var(values) / len(values) + np.var(floors) / len(floors)) ** 0.5
    mean = np.mean(values)
    assert np.mean(floors) == pytest.approx(mean, abs=3.5 * error + 0.03 * abs(mean))


@pytest.mark.parametrize(
    ("name", "counts", "tolerance"),
    [
        ("recall", (300, 80), 0.1),
        ("recall", (200, 200), 0.1),
        ("mind", (300, 80), 0.15),
        ("mind", (200, 400), 0.3),  # between halves and scaled: up to 15 % too low
    ],
)
def test_floors_of_as_many_real_samples_are_right(name, counts, tolerance, monkeypatch):
    monkeypatch.setattr(mind, "DIRECTIONS", 200)
    metric, values = registry.metrics.get(name)(), []
    for seed in range(16):
        real, fake = (of_features(normal(n, seed=2 * seed + i)) for i, n in enumerate(counts))
        values.append(metric.compute(real, fake, seed=0).value)
    real_sets = [normal(counts[0], seed=seed) for seed in range(90, 96)]
    floors = [floor_of(name, real, counts[1]).value for real in real_sets]
    assert np.mean(floors) == pytest.approx(np.mean(values), rel=tolerance)


def test_each_real_sample_is_measured_among_the_others():
    real = np.concatenate([normal(60, 3), normal(5, 3)])  # five samples are there twice
    distances = np.square(real[:, None] - real[None]).sum(axis=2)
    precise, authentic = [], []
    for index in range(65):
        rest = np.delete(np.arange(65), index)
        among = distances[np.ix_(rest, rest)] + np.diag(np.full(64, np.inf))
        radii = np.sort(among, axis=1)
        to_rest = distances[index, rest]
        precise.append((to_rest <= radii[:, 2]).any())
        authentic.append(to_rest.min() > radii[to_rest.argmin(), 0])
    assert floor_of("precision", real, 7).value == np.mean(precise)
    assert floor_of("authpct", real, 7).value == np.mean(authentic)
    assert floor_of("recall", real, 65).value == np.mean(precise)  # the same balls


def test_what_is_held_out_and_the_rest_are_the_whole():
    features = normal(200)
    evidence = of_features(features)
    for by_rows in (True, False):
        parts = list(held_out_parts(evidence, 30, by_rows=by_rows))
        assert len(parts) == 4
        for rest, held_out in parts:
            assert (rest.moments.count, held_out.moments.count) == (170, 30)
            whole = merged(rest.moments, held_out.moments)
            np.testing.assert_allclose(whole.covariance, np.cov(features.T), rtol=1e-4, atol=1e-6)
    assert not list(held_out_parts(replace(evidence, probe=None), 30, by_rows=False))


def test_other_floors_are_those_of_as_many_real_samples(digits):
    reference = Reference(digits, metrics=["modes", "is@mnist-cnn"])
    few, all_of_them = (reference.evaluate(digits.values[:count]) for count in (12, 1000))
    assert few["modes"].floor < 10 == all_of_them["modes"].floor
    assert few["modes"].floor_note == "12 of the real samples"
    own = all_of_them["is@mnist-cnn"]
    assert own.floor == pytest.approx(own.value, rel=1e-9)
    more = reference.evaluate(digits.values[:600].repeat(2, 1, 1, 1))["is@mnist-cnn"]
    assert more.floor is None  # a score of 1,000 samples says nothing about one of 1,200


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
    real = Evidence(20, features=features, probabilities=probabilities)
    part = as_many(real, 7)
    assert part.count == len(part.features) == len(part.probabilities) == 7
    rows = (part.features[:, 0] / 2).astype(int)
    assert len(set(rows)) == 7
    assert rows.tolist() != list(range(7))
    np.testing.assert_array_equal(part.probabilities, probabilities[rows])
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
    measured = reference.evaluate(noise.values)["fid@mnist-cnn"]
    assert (measured.floor, measured.floor_note[:5]) == (None, "none:")
    four = Reference(noise.take(torch.arange(4)), metrics=["precision@mnist-cnn"])
    measured = four.evaluate(noise.values)["precision@mnist-cnn"]
    assert measured.floor is None
    assert "precision needs the real features of at least 5 samples, not 4" in measured.floor_note
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
