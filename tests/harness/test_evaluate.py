# SPDX-License-Identifier: MIT
"""``ganbench.evaluate`` from Python: whatever a PyTorch user has, on both sides."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, TensorDataset

import ganbench
from ganbench.data import open_dataset
from ganbench.errors import ConfigError, InputError
from ganbench.evaluation import feature_network
from ganbench.evaluation.reference import Reference
from ganbench.harness.evaluate import measure_samples
from ganbench.progress import Progress

METRICS = ["fid@mnist-cnn", "recall@mnist-cnn"]


@pytest.fixture(scope="module")
def digits():
    """The digits' test split, in images and labels."""
    data = open_dataset("mnist5k").load("test")
    return data.values, data.labels


@pytest.fixture(scope="module")
def expected(digits):
    """What is measured of the pixels as they are."""
    images, _ = digits
    return values(ganbench.evaluate(fake=images[:200], real=images[200:], metrics=METRICS))


def values(result):
    return {name: measured["value"] for name, measured in result["metrics"].items()}


def test_floats_in_another_range_give_the_same_numbers(digits, expected):
    images, labels = digits
    real = DataLoader(TensorDataset(images[200:].float() / 255, labels[200:]), 64)
    result = ganbench.evaluate(
        fake=images[:200, 0].float() / 255, real=real, metrics=METRICS, value_range=(0, 1)
    )
    assert values(result) == expected
    assert result["real"]["name"] == "dataset-TensorDataset"
    assert result["real"]["count"] == 800


def test_a_generator_of_channels_last(digits, expected):
    images, _ = digits
    batches = iter([*images[:256].permute(0, 2, 3, 1).float().div(255).split(64)])

    def generate(count, generator):
        return next(batches)

    result = ganbench.evaluate(
        fake=generate, real=images[200:], metrics=METRICS, samples=200, value_range=(0, 1)
    )
    assert values(result) == expected


def test_another_range_without_a_word_is_an_error(digits):
    images, _ = digits
    with pytest.raises(InputError, match="values from 0 to 1") as caught:
        ganbench.evaluate(fake=images[:200].float() / 255, real=images, metrics=METRICS)
    assert "value_range=(0, 1)" in caught.value.hint


@pytest.mark.parametrize("form", ["array", "tensor", "csv", "npy", "npz", "statistics", "function"])
def test_points_far_from_the_origin_keep_their_digits(tmp_path, form):
    random = np.random.default_rng(0)
    near = [random.integers(-512, 512, size=(count, 3)) / 256 for count in (400, 300)]
    far = [points + 1e7 for points in near]  # exact in float64; float32 would round to whole ones
    names = ["fid@points", "mind@points", "recall@points", "coverage@points"]
    expected = measure_samples(fake=near[0], real=near[1], metrics=names)["metrics"]

    def form_of(points, name):
        path = tmp_path / f"{name}.{form}"
        if form == "csv":
            np.savetxt(path, points, delimiter=",")
        elif form == "npy":
            np.save(path, points)
        elif form == "npz":
            np.savez(path, points=points)
        else:
            return torch.from_numpy(points) if form == "tensor" else points
        return path

    fake, real = form_of(far[0], "fake"), form_of(far[1], "real")
    if form == "statistics":
        names, real = names[:1], tmp_path / "real.npz"
        np.savez(real, mean=far[1].mean(axis=0), cov=np.cov(far[1].T))
    elif form == "function":
        whole, start = np.concatenate([far[0], far[0][:48]]), iter(range(0, 448, 64))

        def fake(count, generator):  # draws the very points in order, each batch once
            first = next(start)
            return whole[first : first + count]

    result = measure_samples(fake=fake, real=real, metrics=names, samples=400)
    for name in names:
        measured = result["metrics"][name]
        assert measured["value"] == pytest.approx(expected[name]["value"], rel=1e-7), name


def test_points_in_many_dimensions_keep_their_neighbors():
    random = np.random.default_rng(0)
    near = [random.integers(-512, 512, size=(count, 80)) / 256 for count in (120, 100)]
    names = ["precision@points", "recall@points", "density@points", "coverage@points"]
    expected = measure_samples(fake=near[0], real=near[1], metrics=names)["metrics"]
    far = measure_samples(fake=near[0] + 1e7, real=near[1] + 1e7, metrics=names)["metrics"]
    for name in names:
        assert far[name]["value"] == expected[name]["value"]


def test_statistics_of_points_are_points(tmp_path):
    random = np.random.default_rng(0)
    sides = [random.normal(size=(90, 3)).astype(np.float32) + shift for shift in (0, 1)]
    for name, points in zip("ab", sides, strict=True):
        np.savez(tmp_path / f"{name}.npz", mu=points.mean(axis=0), sigma=np.cov(points.T))
    np.savetxt(tmp_path / "a.csv", sides[0], delimiter=",", fmt="%.9g")
    names = ["fid@points"]
    right = measure_samples(fake=sides[0], real=sides[1], metrics=names)["metrics"]["fid@points"]
    for fake in (sides[0], tmp_path / "a.csv", tmp_path / "a.npz"):
        result = measure_samples(fake=fake, real=tmp_path / "b.npz", metrics=names)
        measured = result["metrics"]["fid@points"]
        assert measured["value"] == pytest.approx(right["value"], rel=1e-6)
        assert measured["protocol"].startswith("fid/v1@points/")
    result = measure_samples(fake=tmp_path / "a.npz", real=sides[1], metrics=names)
    assert result["metrics"]["fid@points"]["value"] == pytest.approx(right["value"], rel=1e-6)


def test_downloads_are_told_to_the_one_progress(monkeypatch):
    heard = []
    monkeypatch.setattr(
        "ganbench.harness.evaluate.open_samples",
        lambda source, **options: heard.append(options["progress"]) or 1 / 0,
    )
    progress = Progress()
    with pytest.raises(ZeroDivisionError):
        ganbench.evaluate(fake=torch.zeros(2, 2), real="mnist5k", progress=progress)
    assert heard == [progress]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"latent_dim": 8}, "The latent size changed nothing"),
        ({"classes": 3}, "The number of classes changed nothing"),
        ({"network": "mnist-cnn"}, "The network changed nothing: every metric names its own."),
        ({"value_range": (0, 1)}, "The range of values changed nothing"),
        ({"precision": "bf16"}, "The number format changed nothing: no metric here computes"),
        ({"engine": "compile"}, "The engine changed nothing: no metric here computes"),
        ({"held_out": "mnist5k:test"}, "The held-out samples changed nothing: no metric here"),
    ],
)
def test_an_option_that_finds_nothing_to_act_on_says_so(options, said):
    images = np.random.default_rng(0).integers(0, 256, (30, 8, 8, 1), dtype=np.uint8)
    document = ganbench.evaluate(fake=images, real=images, metrics=["fid@pixels"], **options)
    assert [note for note in document["notes"] if note.startswith(said)]
    assert not ganbench.evaluate(fake=images, real=images, metrics=["fid@pixels"])["notes"]


def test_points_have_no_range_and_no_network():
    points = np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32)
    notes = ganbench.evaluate(
        fake=points, real=points, metrics=["fid@points"], value_range=(0, 1), precision="bf16"
    )["notes"]
    assert [note.partition(":")[0] for note in notes] == [
        "The range of values changed nothing",
        "The number format changed nothing",
    ]


@pytest.mark.parametrize("held_out", ["mnist5k:test", np.zeros((9, 3), np.float32)])
def test_held_out_samples_of_another_kind_are_refused(held_out):
    points = np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32)
    with pytest.raises(InputError, match="and the real"):
        ganbench.evaluate(fake=points, real=points, held_out=held_out, metrics=["fid@points"])


def test_a_range_acts_on_floats_and_says_so_where_there_are_files(tmp_path):
    images = np.random.default_rng(0).random((30, 8, 8, 1))
    with_floats = ganbench.evaluate(
        fake=images, real=images, metrics=["fid@pixels"], value_range=(0.0, 1.0)
    )
    assert not with_floats["notes"]
    for index, image in enumerate(images):
        Image.fromarray((255 * image[..., 0]).astype(np.uint8)).save(tmp_path / f"{index}.png")
    with_files = ganbench.evaluate(
        fake=tmp_path, real=tmp_path, metrics=["fid@pixels"], value_range=(0.0, 1.0)
    )
    assert (
        "The range of values changed nothing: no set holds floating-point images."
        in (with_files["notes"])
    )


def test_a_folder_of_images_may_hold_a_config_of_another_program(tmp_path):
    for index in range(30):
        Image.new("L", (8, 8), index).save(tmp_path / f"{index}.png")
    for content in ('{"image_size": 8}', "no JSON"):
        (tmp_path / "config.json").write_text(content)
        document = ganbench.evaluate(fake=tmp_path, real=tmp_path, metrics=["fid@pixels"])
        assert document["fake"]["count"] == 30


def test_a_resized_folder_says_which_of_its_splits_is_measured(tmp_path):
    for index in range(40):
        Image.new("L", (8, 8), index).save(tmp_path / f"{index}.png")
    document = ganbench.evaluate(fake=f"{tmp_path}@8", real=tmp_path, metrics=["fid@pixels"])
    (note,) = [note for note in document["notes"] if "split" in note]
    assert "'train' alone" in note
    assert ":test names the other" in note
    named = ganbench.evaluate(fake=f"{tmp_path}@8:test", real=tmp_path, metrics=["fid@pixels"])
    assert not [note for note in named["notes"] if "alone" in note]


@pytest.mark.parametrize("fake", ["statistics", "images"])
def test_how_each_set_was_read_is_said(digits, tmp_path, fake):
    images, _ = digits
    for name in ("real", "held"):
        (tmp_path / name).mkdir()
        for index, image in enumerate(images[:30, 0].numpy()):
            Image.fromarray(image).save(tmp_path / name / f"{index}.png")
        (tmp_path / name / "notes.txt").touch()
    sides = {"real": tmp_path / "real", "metrics": ["fid@pixels"]}
    said = ["real: passed over: files ending in .txt (1)."]
    if fake == "statistics":
        sides["fake"] = tmp_path / "s.npz"
        measure_samples(**{**sides, "fake": images[:40]}, save_statistics=sides["fake"])
    else:
        sides |= {"fake": images[:40], "held_out": tmp_path / "held"}
        said.append("held: passed over: files ending in .txt (1).")
    assert measure_samples(**sides)["notes"][: len(said)] == said


def test_a_range_acts_on_held_out_floats_as_well(digits, tmp_path):
    images, _ = digits
    for index, image in enumerate(images[:30, 0].numpy()):
        Image.fromarray(image).save(tmp_path / f"{index}.png")
    sides = {"fake": tmp_path, "real": tmp_path, "metrics": ["fid@pixels"], "value_range": (0, 1)}
    notes = measure_samples(**sides, held_out=images[:30].float() / 255)["notes"]
    assert not [note for note in notes if note.startswith("The range")]


def test_classes_that_are_not_there_are_said_before_anything_is_measured(digits, monkeypatch):
    images, _ = digits

    def measured(*_, **__):
        raise AssertionError("It was measured.")

    monkeypatch.setattr(Reference, "measure", measured)
    with pytest.raises(ConfigError, match="need labels, and the fake samples have none"):
        measure_samples(fake=images[:20], real=images[20:40], metrics=METRICS, per_class=True)


@pytest.mark.parametrize("metrics", [["recall@mnist-cnn"], ["is@mnist-cnn", "kid@mnist-cnn"]])
def test_statistics_that_no_metric_needs_are_said_before_anything_is_measured(
    digits, monkeypatch, tmp_path, metrics
):
    images, _ = digits

    def measured(*_, **__):
        raise AssertionError("It was measured.")

    monkeypatch.setattr(Reference, "measure", measured)
    file = tmp_path / "s.npz"
    with pytest.raises(ConfigError, match="no metric here needs them"):
        measure_samples(fake=images[:20], real=images[20:40], metrics=metrics, save_statistics=file)
    assert not file.exists()


def test_statistics_are_saved_wherever_a_metric_needs_them(digits, tmp_path):
    images, _ = digits
    images_file, points_file, again = (tmp_path / f"{name}.npz" for name in "abc")

    def save(fake, real, metrics, file):
        measure_samples(fake=fake, real=real, metrics=metrics, save_statistics=file)
        return np.load(file)["mu"]

    mean = save(images[:200], images[200:400], ["recall@mnist-cnn", "fid@mnist-cnn"], images_file)
    points = torch.randn(200, 2, generator=torch.Generator().manual_seed(0)).numpy()
    assert np.allclose(save(points, points, ["precision"], points_file), points.mean(0))
    # Of the statistics in a file, kid can be measured of no sample: fid's are saved.
    metrics = ["kid@mnist-cnn", "fid@mnist-cnn"]
    assert np.array_equal(save(images[:200], images_file, metrics, again), mean)


def test_slow_networks_whose_results_are_kept_give_statistics_with_any_metric(
    digits, monkeypatch, tmp_path
):
    images, _ = digits
    monkeypatch.setenv("GANBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(feature_network, "SLOW", -1.0)
    asked = {"fake": images[:50], "real": images[50:100], "metrics": ["recall@mnist-cnn"]}
    file = tmp_path / "s.npz"
    with pytest.raises(ConfigError, match="no metric here needs them"):
        measure_samples(**asked, save_statistics=file, cache=False)
    measure_samples(**asked, save_statistics=file)
    assert np.load(file)["n"] == 50
