# SPDX-License-Identifier: MIT
"""The one way in: names, sizes, paths, and what every dataset promises."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganbench import registry
from ganbench.data import open_dataset
from ganbench.errors import ConfigError, InputError, MissingDataError, UnknownNameError

HERE = ["mnist5k", "digits", "gaussian", "ring8", "grid25", "stacked-mnist5k"]
"""Datasets that need no file but what is installed."""

ELSEWHERE = [
    "mnist", "fashion-mnist", "kmnist", "cifar10", "svhn", "stl10", "stl10-unlabeled", "celeba",
]  # fmt: skip

PLUGIN = '''
from ganbench.data import Source
from ganbench.gan import DataSpec
from ganbench.registry import register


@register("mine")
class Mine(Source):
    """Third-party data."""

    @property
    def spec(self):
        return DataSpec("mine", "1", (2,))

    def load(self, split):
        raise AssertionError
'''


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def offline(monkeypatch, cache):
    monkeypatch.setenv("GANBENCH_OFFLINE", "1")
    monkeypatch.setenv("GANBENCH_CACHE", str(cache))
    monkeypatch.delenv("GANBENCH_DATA", raising=False)


def test_every_dataset_is_listed_with_a_summary():
    entries = registry.datasets.entries()
    assert {*HERE, *ELSEWHERE} <= set(entries)
    assert all(entry.summary for entry in entries.values())
    assert all("arXiv:1712.04086" in entries[name].paper for name in ("ring8", "grid25"))
    for fact in ("radius 1", "sigma 0.01", "100,000", "2,500", "3 sigma"):
        assert fact in entries["ring8"].summary


@pytest.mark.parametrize("name", registry.datasets.names())
def test_loaded_splits_are_what_the_spec_says(name):
    source = open_dataset(name)
    assert source.spec.name == name
    for split in source.splits:
        try:
            data = source.load(split)
        except MissingDataError as error:
            assert name not in HERE
            pytest.skip(error.message)
        assert data.spec == source.spec
        assert data.split == split
        assert tuple(data.values.shape[1:]) == source.spec.shape
        assert data.values.dtype == (torch.uint8 if source.spec.is_image else torch.float32)
        assert data.values.is_contiguous()
        if source.spec.classes:
            assert data.labels.dtype == torch.int64
            assert len(data.labels) == len(data)
            assert set(data.labels.tolist()) <= set(range(source.spec.classes))
        assert torch.equal(open_dataset(name).load(split).values, data.values)


@pytest.mark.parametrize(
    ("name", "shape", "network", "classes"),
    [
        ("mnist", (1, 28, 28), "mnist-cnn", 10),
        ("fashion-mnist", (1, 28, 28), "fashion-cnn", 10),
        ("kmnist", (1, 28, 28), None, 10),
        ("cifar10", (3, 32, 32), None, 10),
        ("svhn", (3, 32, 32), None, 10),
        ("stl10", (3, 64, 64), None, 10),
        ("stl10-unlabeled", (3, 64, 64), None, 0),
        ("celeba", (3, 64, 64), None, 0),
        ("celeba@128", (3, 128, 128), None, 0),
        ("CIFAR10", (3, 32, 32), None, 10),
    ],
)
def test_specs_are_known_without_the_files(name, shape, network, classes):
    spec = open_dataset(name).spec
    assert (spec.name, spec.shape, spec.network, spec.classes, spec.version) == (
        name.lower(), shape, network, classes, "1",
    )  # fmt: skip


@pytest.mark.parametrize("name", sorted(set(ELSEWHERE) - {"fashion-mnist"}))
def test_files_that_are_not_here_end_in_a_sentence_and_where_to_put_them(
    name, monkeypatch, tmp_path
):
    monkeypatch.setenv("GANBENCH_CACHE", str(tmp_path))
    with pytest.raises(MissingDataError) as caught:
        open_dataset(name, tmp_path / "given").load("train")
    assert caught.value.exit_code == 4
    assert f"'{name.removesuffix('-unlabeled')}'" in caught.value.message
    assert "switched off" in caught.value.message
    assert "--data-root DIR" in caught.value.hint
    assert "DIR/" in caught.value.hint
    assert not (tmp_path / "given").exists()


def test_an_unknown_split_names_those_there_are():
    with pytest.raises(ConfigError, match="no split 'val'") as caught:
        open_dataset("ring8").load("val")
    assert caught.value.hint == "It has: train and test."


def test_a_size_is_part_of_the_name_only_where_it_is_not_the_default():
    assert open_dataset("celeba@64").spec.name == "celeba"
    assert open_dataset("celeba", resolution=32).spec.name == "celeba@32"
    assert open_dataset("celeba@32", resolution=32).spec.shape == (3, 32, 32)


def test_resizing_is_pillows_bicubic():
    native, resized = (open_dataset(name).load("test") for name in ("mnist5k", "mnist5k@32"))
    assert resized.values.shape == (1000, 1, 32, 32)
    for index in (0, 999):
        image = Image.fromarray(native.values[index, 0].numpy())
        expected = np.asarray(image.resize((32, 32), Image.Resampling.BICUBIC))
        np.testing.assert_array_equal(resized.values[index, 0].numpy(), expected)
    assert torch.equal(native.labels, resized.labels)


@pytest.mark.parametrize("name", ["ring8@64", "celeba@4", "celeba@4096"])
def test_a_size_that_cannot_be_had_is_refused(name):
    with pytest.raises(ConfigError):
        open_dataset(name)


def test_two_sizes_are_refused():
    with pytest.raises(ConfigError, match="Two resolutions"):
        open_dataset("celeba@64", resolution=32)


def test_an_unknown_name_suggests_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean 'mnist5k'"):
        open_dataset("mnist5")


def test_a_folder_named_like_nothing_known_suggests_its_path(monkeypatch, tmp_path):
    (tmp_path / "photos").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnknownNameError) as caught:
        open_dataset("photos")
    assert "./photos" in caught.value.hint


@pytest.mark.parametrize("name", ["./nothing", "no/such", "nothing.npz", "~/no-such-folder-here"])
def test_a_path_that_does_not_exist_is_missing(name):
    with pytest.raises(MissingDataError, match="There is no"):
        open_dataset(name)


def test_a_file_that_is_no_npz_is_refused(tmp_path):
    file = tmp_path / "archive.rar"
    file.write_bytes(b"Rar!")
    with pytest.raises(InputError, match="neither a folder of images nor an npz"):
        open_dataset(str(file))


def test_a_dataset_of_ones_own_from_a_file(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(PLUGIN)
    source = open_dataset(str(file), Path("somewhere"))
    assert source.spec.name == "mine"
    assert source.root == Path("somewhere")
    with pytest.raises(ConfigError, match="one size only"):
        open_dataset(f"{file}@64")
