# SPDX-License-Identifier: MIT
"""Evidence is gathered once: in a process, across processes by the cache, or read from files."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ganbench.data.dataset import Dataset
from ganbench.errors import ConfigError, InputError
from ganbench.evaluation import feature_network, reference_statistics
from ganbench.evaluation.evidence import of_features
from ganbench.evaluation.feature_network import FeatureNetwork
from ganbench.evaluation.math.frechet import frechet_distance
from ganbench.evaluation.math.moments import Moments
from ganbench.evaluation.reference import Reference
from ganbench.gan import DataSpec
from ganbench.samples.sample_set import of_tensor


def evaluate_once(real, fake, **options):
    return Reference(real, **options).evaluate(fake)


def features(seed=0):
    mixing = np.random.default_rng(9).normal(size=(128, 128))
    values = np.random.default_rng(seed).normal(size=(300, 128)) @ mixing
    return values.astype(np.float32)


@pytest.fixture
def counts(monkeypatch):
    """How many images went through a network, call by call."""
    counts = []
    begin = FeatureNetwork.begin

    def counting(self, images, **options):
        counts.append(len(images))
        return begin(self, images, **options)

    monkeypatch.setattr(FeatureNetwork, "begin", counting)
    return counts


def test_the_reference_is_described_once(noise, counts):
    reference = Reference(noise)
    for _ in range(3):
        reference.evaluate(noise.values[:20])
    assert sorted(counts) == [20, 20, 20, 60]


# -- the cache ---------------------------------------------------------------------------------


@pytest.fixture
def slow(monkeypatch, tmp_path):
    """Make all networks slow, with a cache of the test's own."""
    monkeypatch.setenv("GANBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(feature_network, "SLOW", -1.0)


def make(seed=0, version="1", split="train"):
    """60 images of noise that mnist-cnn classifies."""
    random = torch.Generator().manual_seed(seed)
    values = torch.randint(0, 256, (60, 1, 28, 28), generator=random, dtype=torch.uint8)
    return Dataset(DataSpec("noise", version, (1, 28, 28), 10, "mnist-cnn"), split, values)


def test_real_data_are_described_once_for_all_processes(slow, counts):
    fakes = make(seed=1).values[:20]
    first = evaluate_once(make(), fakes, metrics=["fid@mnist-cnn"])
    assert sum(counts) == 80
    assert evaluate_once(make(), fakes, metrics=["fid@mnist-cnn"]) == first
    assert sum(counts) == 100
    more = evaluate_once(make(), fakes, metrics=["fid@mnist-cnn", "kid@mnist-cnn"])
    assert sum(counts) == 180  # features were not kept; now they are
    again = evaluate_once(make(), fakes, metrics=["fid@mnist-cnn", "kid@mnist-cnn"])
    assert sum(counts) == 200
    assert again == more
    assert more["fid@mnist-cnn"] == first["fid@mnist-cnn"]


def test_other_content_split_or_version_is_another_entry(slow, counts):
    fakes = make(seed=1).values[:20]
    for real in (make(), make(version="2"), make(split="test")):
        evaluate_once(real, fakes, metrics=["fid@mnist-cnn"])
    assert sum(counts) == 3 * 80


def test_a_broken_cache_is_made_again_and_none_is_used_unless_wanted(slow, counts, tmp_path):
    fakes = make(seed=1).values[:20]
    first = evaluate_once(make(), fakes, metrics=["fid@mnist-cnn"])
    (file,) = (tmp_path / "cache" / "statistics").glob("*.npz")
    file.write_bytes(file.read_bytes()[:1000])
    assert evaluate_once(make(), fakes, metrics=["fid@mnist-cnn"]) == first
    assert sum(counts) == 160
    Reference(make(), metrics=["fid@mnist-cnn"], cache=False).evaluate(fakes)
    assert sum(counts) == 240


# -- measuring against files -------------------------------------------------------------------


def test_statistics_stand_in_for_real_images(tmp_path, slow):
    real, fakes = make(), make(seed=1).values[:50]
    reference = Reference(real, metrics=["fid@mnist-cnn"])
    direct = reference.evaluate(fakes)["fid@mnist-cnn"]
    path = tmp_path / "s.npz"
    reference_statistics.write_statistics(path, reference.real_evidence("fid@mnist-cnn"))
    measured = evaluate_once(
        reference_statistics.read_statistics(path), fakes, metrics=["fid@mnist-cnn"]
    )["fid@mnist-cnn"]
    assert (measured.value, measured.low, measured.high) == (direct.value, direct.low, direct.high)
    assert measured.floor == direct.floor
    assert "/s:v" in measured.protocol
    assert "/split=statistics/n_real=60/n_fake=50" in measured.protocol


def test_statistics_of_two_sets_have_a_distance_and_no_interval(tmp_path):
    sides = []
    for seed in (0, 1):
        moments = of_features(features(seed)).moments
        np.savez(tmp_path / f"{seed}.npz", mu=moments.mean, sigma=moments.covariance)
        sides.append(reference_statistics.read_statistics(tmp_path / f"{seed}.npz"))
    (measured,) = evaluate_once(*sides, metrics=["fid@mnist-cnn"]).values()
    expected = frechet_distance(*(side.evidence.moments for side in sides))
    assert measured.value == pytest.approx(expected)
    assert measured.low is None
    assert "no interval" in measured.note
    assert "n_real=?/n_fake=?" in measured.protocol


def test_what_statistics_cannot_give_is_said(tmp_path):
    moments = of_features(features()).moments
    np.savez(tmp_path / "s.npz", mu=moments.mean, sigma=moments.covariance)
    real = reference_statistics.read_statistics(tmp_path / "s.npz")
    fakes = torch.zeros(20, 1, 28, 28, dtype=torch.uint8)
    with pytest.raises(ConfigError, match=r"kid@mnist-cnn needs .*features"):
        evaluate_once(real, fakes, metrics=["kid@mnist-cnn"])
    with pytest.raises(ConfigError, match=r"structure needs counterparts, and s holds"):
        evaluate_once(real, of_tensor(fakes), metrics=["lpips-paired@structure"])
    small = Moments(9, np.zeros(3), np.eye(3))
    np.savez(tmp_path / "small.npz", mu=small.mean, sigma=small.covariance)
    with pytest.raises(InputError, match="holds statistics of 3 features"):
        evaluate_once(
            reference_statistics.read_statistics(tmp_path / "small.npz"),
            fakes,
            metrics=["fid@mnist-cnn"],
        )
