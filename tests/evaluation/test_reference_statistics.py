# SPDX-License-Identifier: MIT
"""Statistics in files: ganbench's own, those of other tools, and files of another kind."""

from __future__ import annotations

import inspect
import io
import pickle
import zipfile

import numpy as np
import pytest
import scipy.linalg
from pytorch_fid.fid_score import calculate_frechet_distance, compute_statistics_of_path

from ganbench.errors import InputError, MissingDataError
from ganbench.evaluation import reference_statistics
from ganbench.evaluation.evidence import Evidence, of_features
from ganbench.evaluation.math.frechet import frechet_distance


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
    )


def test_what_is_written_is_read_back_whole(tmp_path):
    evidence = of_features(features())
    reference_statistics.write_statistics(tmp_path / "s.npz", evidence)
    assert same(reference_statistics.read_statistics(tmp_path / "s.npz").evidence, evidence)
    assert reference_statistics.is_statistics(tmp_path / "s.npz")
    assert list(tmp_path.iterdir()) == [tmp_path / "s.npz"]


@pytest.fixture
def sqrtm(monkeypatch):
    """Give scipy's square root the argument that pytorch-fid passes; scipy 1.18 has dropped it."""
    if "disp" not in inspect.signature(scipy.linalg.sqrtm).parameters:
        plain = scipy.linalg.sqrtm
        monkeypatch.setattr(scipy.linalg, "sqrtm", lambda matrix, disp: (plain(matrix), 0.0))


@pytest.mark.usefixtures("sqrtm")
def test_pytorch_fid_reads_our_files_and_agrees(tmp_path):
    first, second = (of_features(features(seed=seed, shift=seed)) for seed in (0, 1))
    for name, evidence in (("a", first), ("b", second)):
        reference_statistics.write_statistics(tmp_path / f"{name}.npz", evidence)
    statistics = [
        compute_statistics_of_path(str(tmp_path / f"{name}.npz"), None, 1, 2048, "cpu")
        for name in "ab"
    ]
    theirs = calculate_frechet_distance(*statistics[0], *statistics[1])
    assert frechet_distance(first.moments, second.moments) == pytest.approx(theirs, rel=1e-9)


def test_we_read_pytorch_fids_files(tmp_path):
    values = features()
    moments = of_features(values).moments
    np.savez_compressed(tmp_path / "theirs.npz", mu=moments.mean, sigma=moments.covariance)
    read = reference_statistics.read_statistics(tmp_path / "theirs.npz")
    assert np.array_equal(read.evidence.moments.covariance, moments.covariance)
    assert (read.evidence.count, read.facts.name) == (0, "theirs")
    assert read.evidence.probe is None


def test_we_read_adms_studiogans_and_clean_fids(tmp_path):
    values = features()
    moments = of_features(values).moments
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
    np.savez(tmp_path / "kid.npz", feats=values)
    assert np.array_equal(
        reference_statistics.read_statistics(tmp_path / "kid.npz").evidence.features, values
    )
    labels, probabilities = np.zeros(300, np.int64), np.full((300, 2), 0.5, np.float32)
    np.savez(tmp_path / "sg.npz", real_feats=values, real_probs=probabilities, real_labels=labels)
    assert np.array_equal(
        reference_statistics.read_statistics(tmp_path / "sg.npz").evidence.features, values
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
        ({"mu": np.zeros(2), "sigma": np.diag([1.0, -3.0])}, "a variance in 'sigma' is -3"),
        (
            {"mean": np.zeros(2), "cov": np.array([[1.0, 2.0], [2.0, 1.0]])},
            "'cov' is not positive semidefinite",
        ),
        ({"mu": np.full(2, 1e30), "sigma": np.eye(2)}, "'mu' has a value of 1e[+]30"),
        ({"m": np.zeros(2), "s": np.eye(2) * 1e200}, "'s' has a value of 1e[+]200"),
        ({"mu": np.zeros(2), "sigma": np.eye(2), "n": -5}, "'n' in .* is -5; a number of samples"),
        ({"mu": np.zeros(2), "sigma": np.eye(2), "n": 0}, "'n' in .* is 0; a number of samples"),
        ({"mu": np.zeros(2), "sigma": np.eye(2), "n": np.nan}, "'n' in .* is nan"),
        ({"mu": np.zeros(2), "sigma": np.eye(2), "n": 2.5}, "'n' in .* is 2.5"),
        ({"mu": np.zeros(2), "sigma": np.eye(2), "n": np.arange(3)}, r"'n' in .* is \(3,\)"),
        ({"mu": np.zeros(2), "sigma": np.eye(2), "n": "many"}, r"'n' in .* is \(\)"),
        ({"mu": np.zeros(2, complex), "sigma": np.eye(2)}, "not floating-point"),
        ({"feats": np.zeros(5)}, "floats"),
        ({"feats": np.full((5, 2), 1e30)}, "absurd"),
        ({"real_feats": np.full((5, 2), np.inf)}, "infinite"),
        (
            {"mu": np.zeros(2), "sigma": np.eye(2), "m": np.ones(2), "s": np.eye(2)},
            "more than one mean with its covariance: 'mu' with 'sigma', 'm' with 's'",
        ),
        (
            {"mean": np.zeros(2), "cov": np.eye(2), "covariance": 2 * np.eye(2)},
            "'mean' with 'cov', 'mean' with 'covariance'",
        ),
        ({"feats": np.zeros((5, 0))}, "floats"),
        ({"feats": np.ones((1, 4))}, "of one image"),
        ({"real_feats": np.ones((1, 1))}, "of one image"),
    ],
)
def test_arrays_that_are_no_statistics_are_refused(tmp_path, arrays, message):
    np.savez(tmp_path / "s.npz", **arrays)
    with pytest.raises(InputError, match=message):
        reference_statistics.read_statistics(tmp_path / "s.npz")


@pytest.mark.parametrize("keys", [("mu", "sigma"), ("mean", "cov"), ("m", "s")])
@pytest.mark.parametrize("row", [False, True])
def test_other_names_and_a_mean_in_a_row_are_read(tmp_path, keys, row):
    moments = of_features(features()).moments
    mean = moments.mean[None] if row else moments.mean
    arrays = {keys[0]: mean, keys[1]: moments.covariance, "n": np.array([300.0])}
    np.savez(tmp_path / "s.npz", **arrays)
    assert reference_statistics.is_statistics(tmp_path / "s.npz")
    read = reference_statistics.read_statistics(tmp_path / "s.npz").evidence.moments
    assert read.count == 300
    assert np.array_equal(read.mean, moments.mean)
    assert np.array_equal(read.covariance, moments.covariance)


@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_statistics_that_rounding_made_slightly_negative_are_read(tmp_path, kind):
    values = features(count=5, size=200)  # of rank 4
    covariance = np.cov(values, rowvar=False).astype(kind)
    assert np.linalg.eigvalsh(covariance.astype(np.float64)).min() < 0
    np.savez(tmp_path / "s.npz", mu=values.mean(axis=0), sigma=covariance)
    read = reference_statistics.read_statistics(tmp_path / "s.npz")
    assert np.array_equal(read.evidence.moments.covariance, covariance)
    np.savez(tmp_path / "equal.npz", mu=np.ones(3), sigma=np.zeros((3, 3)))
    assert reference_statistics.read_statistics(tmp_path / "equal.npz").evidence.count == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"probe": np.zeros((4, 7))}, "'probe' is float64"),
        ({"features": np.zeros((299, 8))}, "'features' is float64"),
        ({"half": np.zeros(300)}, "'half' is float64"),
        ({"half": np.zeros(4, bool)}, "'half' is bool"),
        ({"probabilities": np.zeros(300)}, "'probabilities' is float64"),
        ({"ganbench": np.array([1, 1])}, ""),
    ],
)
def test_a_file_of_ours_that_was_changed_is_refused(tmp_path, change, message):
    reference_statistics.write_statistics(tmp_path / "s.npz", of_features(features()))
    arrays = dict(np.load(tmp_path / "s.npz"))
    np.savez(tmp_path / "s.npz", **(arrays | change))
    if not message:  # a version that is none is another tool's
        assert reference_statistics.read_statistics(tmp_path / "s.npz").evidence.probe is None
        return
    with pytest.raises(InputError, match=message):
        reference_statistics.read_statistics(tmp_path / "s.npz")
    assert reference_statistics.read_cached(tmp_path / "s.npz") is None


def test_statistics_of_unknown_count_are_passed_on(tmp_path):
    moments = of_features(features()).moments
    np.savez(tmp_path / "theirs.npz", mu=moments.mean, sigma=moments.covariance)
    theirs = reference_statistics.read_statistics(tmp_path / "theirs.npz").evidence
    reference_statistics.write_statistics(tmp_path / "ours.npz", theirs)
    assert reference_statistics.read_statistics(tmp_path / "ours.npz").evidence.count == 0
    # As an earlier version wrote it.
    np.savez(tmp_path / "old.npz", mu=moments.mean, sigma=moments.covariance, n=0, ganbench=1)
    assert reference_statistics.read_statistics(tmp_path / "old.npz").evidence.count == 0


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
        assert reference_statistics.read_cached(tmp_path / "cut.npz") is None
    with pytest.raises(MissingDataError):
        reference_statistics.read_statistics(tmp_path / "gone.npz")
