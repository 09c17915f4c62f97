# SPDX-License-Identifier: MIT
"""Samples as files: what is written comes back."""

import errno
import os

import numpy as np
import pytest
import torch
from PIL import Image

from ganbench.data import open_dataset
from ganbench.errors import ConfigError, StorageError
from ganbench.gan import DataSpec
from ganbench.records.own_files import MANIFEST
from ganbench.sampling.draw import DrawnSamples
from ganbench.sampling.sample_files import write_files, write_npz, write_picture


def images(channels, count=5):
    random = torch.Generator().manual_seed(channels)
    shape = (count, channels, 8, 8)
    return torch.randint(256, shape, generator=random, dtype=torch.uint8)


def spec(channels):
    return DataSpec("images", "1", (channels, 8, 8))


@pytest.mark.parametrize("channels", [1, 3])
def test_an_array_of_images_comes_back(tmp_path, channels):
    samples = images(channels)
    write_npz(DrawnSamples(samples), spec(channels), tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as file:
        assert file.files == ["images"]
        assert np.array_equal(file["images"], samples.permute(0, 2, 3, 1))
    source = open_dataset(str(tmp_path / "a.npz"))
    assert source.spec.shape == (channels, 8, 8)
    values = torch.cat([source.load(split).values for split in source.splits])
    assert sorted(map(str, values.tolist())) == sorted(map(str, samples.tolist()))


def test_an_array_of_points_comes_back(tmp_path):
    points = torch.randn(7, 2)
    write_npz(DrawnSamples(points), DataSpec("points", "1", (2,)), tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as file:
        assert file["points"].dtype == np.float32
        assert np.array_equal(file["points"], points)


@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_come_back(tmp_path, channels):
    samples = images(channels, 12)
    write_files(DrawnSamples(samples), spec(channels), tmp_path / "deep" / "images")
    manifest, *files = sorted((tmp_path / "deep" / "images").iterdir())
    assert manifest.name == MANIFEST
    assert [file.name for file in files] == [f"{index:05d}.png" for index in range(12)]
    for file, sample in zip(files, samples, strict=True):
        with Image.open(file) as image:
            assert image.mode == ("L" if channels == 1 else "RGB")
            pixels = np.array(image).reshape(8, 8, channels)
        assert np.array_equal(pixels, sample.permute(1, 2, 0))


def test_a_picture_is_a_png_and_replaces_the_old_one_whole(tmp_path):
    path = tmp_path / "a" / "b.png"
    write_picture(DrawnSamples(images(1)), spec(1), path)
    first = path.read_bytes()
    write_picture(DrawnSamples(images(3)), spec(3), path)
    assert path.read_bytes() != first
    with Image.open(path) as image:
        assert image.format == "PNG"
    assert list(path.parent.iterdir()) == [path]


def test_a_disk_that_fills_up_is_one_sentence(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Image.Image, "save", full)
    monkeypatch.setattr(np, "savez_compressed", full)
    for write in (
        lambda: write_picture(DrawnSamples(images(1)), spec(1), tmp_path / "a.png"),
        lambda: write_files(DrawnSamples(images(1)), spec(1), tmp_path / "files"),
        lambda: write_npz(DrawnSamples(images(1)), spec(1), tmp_path / "a.npz"),
    ):
        with pytest.raises(StorageError, match="no space left"):
            write()
    assert [path.name for path in tmp_path.iterdir()] == ["files"]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (DataSpec("points", "1", (2,)), "Points are not written as files"),
        (DataSpec("signals", "1", (3, 9)), "Sequences of 3 channels are not written as files"),
    ],
)
def test_what_has_no_files_is_refused(tmp_path, data, sentence):
    with pytest.raises(ConfigError, match=sentence):
        write_files(DrawnSamples(torch.zeros(2, *data.shape)), data, tmp_path / "files")
    assert not (tmp_path / "files").exists()
