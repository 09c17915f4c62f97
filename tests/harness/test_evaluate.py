# SPDX-License-Identifier: MIT
"""``ganbench.evaluate`` from Python: whatever a PyTorch user has, on both sides."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

import ganbench
from ganbench.data import open_dataset
from ganbench.errors import InputError
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
