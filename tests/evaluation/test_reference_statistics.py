# SPDX-License-Identifier: MIT
"""Statistics in files: ganbench's own, those of other tools, and what is no such file."""

from __future__ import annotations

import io
import pickle
import zipfile

import numpy as np
import pytest
import torch
from pytorch_fid.fid_score import calculate_frechet_distance, compute_statistics_of_path

from ganbench.data.dataset import Dataset
from ganbench.errors import ConfigError, InputError, MissingDataError
from ganbench.evaluation import reference as evaluation
from ganbench.evaluation import reference_statistics
from ganbench.evaluation.feature_network import FeatureNetwork
from ganbench.evaluation.math.moments import Moments
from ganbench.evaluation.metric import Evidence, of_features
from ganbench.evaluation.reference import Reference, evaluate_once
from ganbench.gan import DataSpec
from ganbench.metrics.fid import frechet_distance


def features(count=300, size=8, seed=0, shift=0.0):
    random = np.random.default_rng(seed)
    mixing = np.random.default_rng(9).normal(size=(size, size))
    return (random.normal(size=(count, size)) @ mixing + shift).astype(np.float32)


def same(first: Evidence, second: Evidence) -> bool:
    parts = ("probe", "features", "probabilities", "half")
    return (
        first.count == second.count
        and np.array_equal(first.moments.covariance, second.moments.covariance)
        and all(np.array_equal(getattr(first, p), getattr(second, p)) for p in parts)
        and np.array_equal(first.half_moments[1].mean, second.half_moments[1].mean)
    )


def test_what_is_written_is_read_back_whole(tmp_path):
    evidence = of_features(features())
    reference_statistics.write_statistics(tmp_path / "s.npz", evidence)
    assert same(reference_statistics.read_statistics(tmp_path / "s.npz").evidence, evidence)
    assert reference_statistics.is_statistics(tmp_path / "s.npz")
    assert list(tmp_path.iterdir()) == [tmp_path / "s.npz"]


def test_pytorch_fid_reads_our_files_and_agrees(tmp_path):
    first, second = (of_features(features(seed=seed, shift=seed)) for seed in (0, 1))
    for name, one in (("a", first), ("b", second)):
        reference_statistics.write_statistics(tmp_path / f"{name}.npz", one)
    given = [
        compute_statistics_of_path(str(tmp_path / f"{name}.npz"), None, 1, 2048, "cpu")
        for name in "ab"
    ]
    theirs = calculate_frechet_distance(*given[0], *given[1])
    assert frechet_distance(first.moments, second.moments) == pytest.approx(theirs, rel=1e-9)


def test_we_read_pytorch_fids_files(tmp_path):
    given = features()
    moments = of_features(given).moments
    np.savez_compressed(tmp_path / "theirs.npz", mu=moments.mean, sigma=moments.covariance)
    read = reference_statistics.read_statistics(tmp_path / "theirs.npz")
    assert np.array_equal(read.evidence.moments.covariance, moments.covariance)
    assert (read.evidence.count, read.facts.name) == (0, "theirs")
    assert read.evidence.halves() is None


def test_we_read_adms_studiogans_and_clean_fids(tmp_path):
    given = features()
    moments = of_features(given).moments
    images = np.zeros((5, 4, 4, 3), np.uint8)
    np.savez(
        tmp_path / "adm.npz",
        arr_0=images,
        mu=moments.mean,
        sigma=moments.covariance,
        mu_s=np.zeros(3),
        sigma_s=np.eye(3),
    )
    assert np.array_equal(
        reference_statistics.read_statistics(tmp_path / "adm.npz").evidence.moments.mean,
        moments.mean,
    )
    np.savez(tmp_path / "kid.npz", feats=given)
    assert np.array_equal(
        reference_statistics.read_statistics(tmp_path / "kid.npz").evidence.features, given
    )
    labels, probabilities = np.zeros(300, np.int64), np.full((300, 2), 0.5, np.float32)
    np.savez(tmp_path / "sg.npz", real_feats=given, real_probs=probabilities, real_labels=labels)
    assert np.array_equal(
        reference_statistics.read_statistics(tmp_path / "sg.npz").evidence.features, given
    )
    np.savez(tmp_path / "images.npz", images=images)
    kinds = [
        reference_statistics.is_statistics(tmp_path / f"{n}.npz")
        for n in ("adm", "kid", "sg", "images")
    ]
    assert kinds == [True, True, True, False]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"mu": np.zeros(3)}, "'mu' and 'sigma' were expected"),
        ({"mu": np.zeros(3), "sigma": np.eye(4)}, r"\(d,\) and \(d, d\) were expected"),
        ({"mu": np.zeros((3, 1)), "sigma": np.eye(3)}, "were expected"),
        ({"mu": np.zeros(3), "sigma": np.full((3, 3), np.nan)}, "NaN"),
        ({"mu": np.zeros(2), "sigma": np.array([[1.0, 2.0], [0.0, 1.0]])}, "not symmetric"),
        ({"mu": np.zeros(2, int), "sigma": np.eye(2)}, "not floating-point"),
        ({"feats": np.zeros(5)}, "floats"),
    ],
)
def test_arrays_that_are_no_statistics_are_refused(tmp_path, arrays, message):
    np.savez(tmp_path / "s.npz", **arrays)
    with pytest.raises(InputError, match=message):
        reference_statistics.read_statistics(tmp_path / "s.npz")


def test_pickles_are_refused_and_never_run(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("it was unpickled",))

    np.savez(tmp_path / "objects.npz", mu=np.array([None, 1.0]), sigma=np.eye(2))
    with pytest.raises(InputError, match="cannot be read"):
        reference_statistics.read_statistics(tmp_path / "objects.npz")
    raw = io.BytesIO()
    pickle.dump(Bomb(), raw)
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w") as archive:
        archive.writestr("mu.npy", raw.getvalue())
        archive.writestr("sigma.npy", raw.getvalue())
    assert reference_statistics.is_statistics(tmp_path / "bomb.npz")
    with pytest.raises(InputError):
        reference_statistics.read_statistics(tmp_path / "bomb.npz")


def test_damaged_files_are_a_sentence(tmp_path):
    reference_statistics.write_statistics(tmp_path / "whole.npz", of_features(features()))
    data = (tmp_path / "whole.npz").read_bytes()
    for share in (0.0, 0.3, 0.9):
        (tmp_path / "cut.npz").write_bytes(data[: int(share * len(data))])
        assert not reference_statistics.is_statistics(tmp_path / "cut.npz")
        with pytest.raises(InputError):
            reference_statistics.read_statistics(tmp_path / "cut.npz")
        assert reference_statistics.cached(tmp_path / "cut.npz") is None
    with pytest.raises(MissingDataError):
        reference_statistics.read_statistics(tmp_path / "gone.npz")


# -- the cache ---------------------------------------------------------------------------------


@pytest.fixture
def digits(monkeypatch, tmp_path):
    """Noise, with the digits' network made a slow one; what it reads is counted."""
    monkeypatch.setenv("GANBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(evaluation, "SLOW", -1.0)
    counts = []
    extract = FeatureNetwork.extract

    def counting(self, images, **options):
        counts.append(len(images))
        return extract(self, images, **options)

    monkeypatch.setattr(FeatureNetwork, "extract", counting)

    def make(seed=0, version="1", split="train"):
        random = torch.Generator().manual_seed(seed)
        values = torch.randint(0, 256, (60, 1, 28, 28), generator=random, dtype=torch.uint8)
        return Dataset(DataSpec("noise", version, (1, 28, 28), 10, "mnist-cnn"), split, values)

    return make, counts


def test_real_data_are_described_once_for_all_processes(digits):
    make, counts = digits
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


def test_other_content_split_or_version_is_another_entry(digits):
    make, counts = digits
    fakes = make(seed=1).values[:20]
    for real in (make(), make(version="2"), make(split="test")):
        evaluate_once(real, fakes, metrics=["fid@mnist-cnn"])
    assert sum(counts) == 3 * 80


def test_a_broken_cache_is_made_again_and_none_is_used_unless_wanted(digits, tmp_path):
    make, counts = digits
    fakes = make(seed=1).values[:20]
    first = evaluate_once(make(), fakes, metrics=["fid@mnist-cnn"])
    (file,) = (tmp_path / "cache" / "statistics").glob("*.npz")
    file.write_bytes(file.read_bytes()[:1000])
    assert evaluate_once(make(), fakes, metrics=["fid@mnist-cnn"]) == first
    assert sum(counts) == 160
    Reference(make(), metrics=["fid@mnist-cnn"], cache=False).evaluate(fakes)
    assert sum(counts) == 240


# -- measuring against files -------------------------------------------------------------------


def test_statistics_stand_in_for_real_images(tmp_path, digits):
    make, _ = digits
    real, fakes = make(), make(seed=1).values[:50]
    reference = Reference(real, metrics=["fid@mnist-cnn"])
    direct = reference.evaluate(fakes)["fid@mnist-cnn"]
    path = tmp_path / "s.npz"
    reference_statistics.write_statistics(path, reference.real_evidence("fid@mnist-cnn"))
    given = evaluate_once(
        reference_statistics.read_statistics(path), fakes, metrics=["fid@mnist-cnn"]
    )["fid@mnist-cnn"]
    assert (given.value, given.low, given.high) == (direct.value, direct.low, direct.high)
    assert given.floor == direct.floor
    assert "/s:v" in given.protocol
    assert "/split=statistics/n_real=60/n_fake=50" in given.protocol


def test_statistics_of_two_sets_have_a_distance_and_no_interval(tmp_path):
    sides = []
    for seed in (0, 1):
        moments = of_features(features(seed=seed, size=128)).moments
        np.savez(tmp_path / f"{seed}.npz", mu=moments.mean, sigma=moments.covariance)
        sides.append(reference_statistics.read_statistics(tmp_path / f"{seed}.npz"))
    (measured,) = evaluate_once(*sides, metrics=["fid@mnist-cnn"]).values()
    expected = frechet_distance(*(side.evidence.moments for side in sides))
    assert measured.value == pytest.approx(expected)
    assert measured.low is None
    assert "no interval" in measured.note
    assert "n_real=?/n_fake=?" in measured.protocol


def test_what_statistics_cannot_give_is_said(tmp_path):
    given = of_features(features(size=128)).moments
    np.savez(tmp_path / "s.npz", mu=given.mean, sigma=given.covariance)
    real = reference_statistics.read_statistics(tmp_path / "s.npz")
    fakes = torch.zeros(20, 1, 28, 28, dtype=torch.uint8)
    with pytest.raises(ConfigError, match=r"kid@mnist-cnn needs .*features"):
        evaluate_once(real, fakes, metrics=["kid@mnist-cnn"])
    small = Moments(9, np.zeros(3), np.eye(3))
    np.savez(tmp_path / "small.npz", mu=small.mean, sigma=small.covariance)
    with pytest.raises(InputError, match="holds statistics of 3 features"):
        evaluate_once(
            reference_statistics.read_statistics(tmp_path / "small.npz"),
            fakes,
            metrics=["fid@mnist-cnn"],
        )
