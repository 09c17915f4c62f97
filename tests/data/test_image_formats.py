# SPDX-License-Identifier: MIT
"""Which formats are read, and what a header says."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import ExifTags, Image

from ganbench.data.image_formats import (
    COMMON_EXTENSIONS,
    ENDINGS_BY_FORMAT,
    EXTENSIONS,
    header_of,
    is_image_name,
    open_image,
)

LEFT_OUT = {
    "BUFR": "a stub, which needs a plug-in",
    "GRIB": "a stub, which needs a plug-in",
    "HDF5": "a stub, which needs a plug-in",
    "EPS": "Pillow starts Ghostscript for it",
    "WMF": "only Windows draws it",
    "MPEG": "Pillow reads its header only",
    "IM": "no signature: damaged files of other formats could pass for it",
    "IPTC": "no signature",
    "PCD": "no signature",
}
"""Formats that Pillow opens, and why they are not read."""


def test_the_endings_are_those_of_every_format_that_pillow_decodes_by_itself():
    Image.init()
    expected = {
        ending
        for ending, name in Image.registered_extensions().items()
        if (name in Image.OPEN or name == "MPO") and name not in LEFT_OUT
    }
    assert expected == EXTENSIONS
    assert set(ENDINGS_BY_FORMAT) == {*Image.OPEN} - set(LEFT_OUT) - {
        "IMT", "MCIDAS", "SPIDER", "XVTHUMB",  # which have no ending
    }  # fmt: skip
    assert set(COMMON_EXTENSIONS) <= EXTENSIONS


@pytest.mark.parametrize("name", ["a.PPM", "b/c.Jfif", "x.y.avif", "é.jp2"])
def test_names_of_images(name):
    assert is_image_name(name)


@pytest.mark.parametrize("name", ["a.npy", "png", "a.png.txt", "a.eps", "a.h5", ""])
def test_names_of_other_files(name):
    assert not is_image_name(name)


def saved(image, form, **options):
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("form", "options"),
    [
        ("PNG", {}), ("BMP", {}), ("TIFF", {}), ("PPM", {}), ("TGA", {}), ("QOI", {}),
        ("WEBP", {"lossless": True}), ("JPEG2000", {}), ("PCX", {}), ("SGI", {}), ("DDS", {}),
    ],
)  # fmt: skip
def test_lossless_formats_give_the_same_pixels(form, options):
    pixels = np.random.default_rng(0).integers(0, 256, (6, 5, 3), dtype=np.uint8)
    if form == "JPEG2000":
        options = {"irreversible": False}
    with open_image(saved(Image.fromarray(pixels), form, **options)) as image:
        assert header_of(image).shape == (3, 6, 5)
        np.testing.assert_array_equal(np.asarray(image.convert("RGB")), pixels)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", [1, 3, 6, 9])
def test_an_orientation_tag_is_seen_without_decoding(form, orientation):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    data = saved(Image.new("RGB", (7, 4)), form, exif=exif)
    with open_image(data) as image:
        header = header_of(image)
        assert image.getexif().get(ExifTags.Base.Orientation) == orientation
    assert (header.format, header.size) == (form, (7, 4))
    assert header.rotated == (orientation in {3, 6})


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "exif",
    [
        b"II*\0\xff\xff\xff\xff",
        b"II*\0\x08\0\0\0\xff\xff",
        b"II*\0",
        b"XX",
        b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0",
        b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x02\0\0\0\x01\0\x06\0\0",  # of another type
    ],
)
def test_damaged_tags_are_none_and_nobody_is_warned(exif):
    data = saved(Image.new("RGB", (4, 4)), "PNG", exif=b"Exif\0\0" + exif)
    with open_image(data) as image:
        assert not header_of(image).rotated


@pytest.mark.parametrize(
    ("mode", "options", "expected"),
    [
        ("RGB", {}, (False, False)),
        ("L", {}, (True, False)),
        ("LA", {}, (True, True)),
        ("RGBA", {}, (False, True)),
        ("RGB", {"transparency": (0, 0, 0)}, (False, True)),
    ],
)
def test_color_and_transparency_are_those_of_the_file(mode, options, expected):
    with open_image(saved(Image.new(mode, (4, 4)), "PNG", **options)) as image:
        header = header_of(image)
    assert (header.gray, header.transparent) == expected


@pytest.mark.parametrize("data", [b"", b"text", b"%!PS-Adobe-3.0 EPSF-3.0\n", bytes(5000)])
def test_what_is_no_image_is_said_to_be_none(data):
    with pytest.raises(ValueError, match="no image of a known format"):
        open_image(data)
