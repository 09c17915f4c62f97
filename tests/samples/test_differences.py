# SPDX-License-Identifier: MIT
"""A note wherever the files of two sets differ in what no metric names."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import ExifTags, Image

from ganbench.samples import open_samples
from ganbench.samples.differences import file_differences


def turned():
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    return exif


@pytest.fixture
def opened(png, write):
    """Write ten files, ``count`` of them as the second argument says, and open them."""

    def make(name, count=0, mode="RGB", size=(8, 6), form="PNG", ending="", **options):
        files = {}
        for index in range(10):
            special = index < count
            image = Image.new(mode if special else "RGB", size if special else (8, 6), index)
            form_here = form if special else "PNG"
            files[f"{index}.png"] = png(image, form_here, **(options if special else {}))
        return open_samples(write(files, ending, name))

    return make


@pytest.mark.parametrize(
    ("special", "sentence"),
    [
        ({"form": "JPEG"}, "The files differ in file format: fake 7 PNG, 3 JPEG; real 10 PNG."),
        (
            {"size": (9, 6)},
            "The files differ in size, in pixels: fake 7 8 x 6, 3 9 x 6; real 10 8 x 6.",
        ),
        ({"mode": "L"}, "The files differ in color: fake 7 color, 3 gray; real 10 color."),
        (
            {"mode": "RGBA"},
            "The files differ in transparency, which is laid over white: fake 7 opaque, "
            "3 with transparency; real 10 opaque.",
        ),
        (
            {"exif": turned()},
            "The files differ in orientation tags, which are ignored: fake 7 upright, "
            "3 to be turned; real 10 upright.",
        ),
    ],
)
@pytest.mark.parametrize("ending", ["", ".zip"])
def test_each_difference_is_one_sentence_with_counts(opened, special, sentence, ending):
    fake, real = opened("fake", 3, ending=ending, **special), opened("real")
    assert file_differences(fake, real) == (sentence,)
    assert len(file_differences(real, fake)) == 1
    assert file_differences(fake, fake) == ()


def test_an_equal_share_is_no_difference(opened):
    few, many = opened("few", 5, form="JPEG"), opened("many", 5, form="JPEG", ending=".tar")
    assert file_differences(few, many) == ()


def test_many_sizes_are_counted_not_listed(png, write, opened):
    files = {f"{n}.png": png(np.zeros((n + 1, 3, 3), np.uint8)) for n in range(10)}
    (sentence,) = file_differences(open_samples(write(files)), opened("real"))
    assert "7 others; real 10 8 x 6" in sentence


def test_only_files_have_differences(opened):
    array = open_samples(np.zeros((4, 6, 8, 3), np.uint8))
    assert file_differences(array, opened("real")) == file_differences(array, array) == ()


def test_unreadable_files_are_left_out(opened, write, pictures):
    real = opened("real")
    broken = open_samples(write({"a.png": b"x", "b.png": b"y"}, "", "broken"))
    assert file_differences(broken, real) == ()
