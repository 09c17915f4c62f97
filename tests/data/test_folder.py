# SPDX-License-Identifier: MIT
"""A folder of images: one rule for each kind of file."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ganbench.data import open_dataset
from ganbench.data.square_images import fit, to_eight_bit
from ganbench.errors import InputError


def gray(seed=0, size=(28, 28)):
    pixels = np.random.default_rng(seed).integers(0, 256, size[::-1], dtype=np.uint8)
    return Image.fromarray(pixels)


def color(seed=0, size=(28, 28)):
    shape = (*size[::-1], 3)
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8))


def fill(folder, images, suffix="png"):
    folder.mkdir(parents=True, exist_ok=True)
    for index, image in enumerate(images):
        image.save(folder / f"{index:03d}.{suffix}")
    return str(folder)


def everything(path):
    """Return all examples of a folder, both splits."""
    source = open_dataset(path)
    return [source.load(split) for split in source.splits]


def images_of(path):
    """Return the images (H, W) or (H, W, C) of a folder as a set of bytes."""
    values = torch.cat([data.values for data in everything(path)])
    return {image.permute(1, 2, 0).numpy().tobytes() for image in values}


def test_gray_images_keep_their_pixels_each_in_one_split(tmp_path):
    originals = [gray(seed) for seed in range(30)]
    path = fill(tmp_path / "images", originals)
    train, test = everything(path)
    assert train.spec.shape == (1, 28, 28)
    assert train.spec.classes == 0
    assert train.labels is None
    assert (len(train), len(test)) == (27, 3)
    assert train.values.is_contiguous()
    assert images_of(path) == {np.asarray(image).tobytes() for image in originals}


def test_one_color_image_makes_all_of_them_rgb(tmp_path):
    originals = [gray(1), gray(2), color(3)]
    path = fill(tmp_path, originals)
    assert open_dataset(path).spec.shape == (3, 28, 28)
    assert images_of(path) == {np.asarray(image.convert("RGB")).tobytes() for image in originals}


@pytest.mark.parametrize("suffix", ["png", "bmp", "webp", "tif", "tiff", "gif", "PNG"])
def test_lossless_formats_keep_pixels(tmp_path, suffix):
    pixels = np.kron(np.random.default_rng(0).integers(0, 2, (7, 7)), np.ones((4, 4))) * 255
    image = Image.fromarray(pixels.astype(np.uint8)).convert("RGB")
    options = {"lossless": True} if suffix == "webp" else {}
    for number in range(2):
        image.save(tmp_path / f"{number}.{suffix}", **options)
    loaded = open_dataset(str(tmp_path)).load("train").values[0]
    np.testing.assert_array_equal(loaded[0].numpy(), pixels)


def test_jpeg_and_mixed_formats_nest(tmp_path):
    color(1).save(tmp_path / "a.jpeg")
    (tmp_path / "x" / "y").mkdir(parents=True)
    color(2).save(tmp_path / "x" / "y" / "b.jpg")
    color(3).save(tmp_path / "x" / "c.png")
    (tmp_path / "x" / "notes.txt").write_text("not an image")
    (tmp_path / ".hidden.png").write_text("not an image")
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "__MACOSX" / "._c.png").write_text("not an image")
    train, test = everything(str(tmp_path))
    assert len(train) + len(test) == 3
    assert train.spec.classes == 0
    with Image.open(tmp_path / "a.jpeg") as image:
        assert np.asarray(image).tobytes() in images_of(str(tmp_path))


def test_the_first_frame_of_an_animation(tmp_path):
    frames = [Image.new("L", (28, 28), value) for value in (10, 200)]
    for number in range(2):
        frames[0].save(tmp_path / f"{number}.gif", save_all=True, append_images=frames[1:])
    assert open_dataset(str(tmp_path)).load("train").values.unique().tolist() == [10]


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bits_are_divided_by_257_and_rounded(tmp_path, suffix):
    values = np.linspace(0, 65535, 28 * 28).astype(np.uint16).reshape(28, 28)
    path = fill(tmp_path, [Image.fromarray(values)] * 2, suffix)
    data = open_dataset(path).load("train")
    assert data.spec.channels == 1
    expected = np.rint(values.astype(np.float64) / 257)
    np.testing.assert_array_equal(data.values[0, 0].numpy(), expected)


@given(st.integers(0, 255))
def test_8_bits_written_as_16_come_back(value):
    image = Image.fromarray(np.full((2, 2), value * 257, dtype=np.uint16))
    assert np.asarray(to_eight_bit(image, 1)).tolist() == [[value] * 2] * 2


def test_one_bit_is_black_and_white(tmp_path):
    bits = np.random.default_rng(0).integers(0, 2, (28, 28)).astype(bool)
    data = open_dataset(fill(tmp_path, [Image.fromarray(bits)] * 2)).load("train")
    np.testing.assert_array_equal(data.values[0, 0].numpy(), bits * 255)


@settings(deadline=None)
@given(st.tuples(*[st.integers(0, 255)] * 4))
def test_transparency_is_composited_over_white(pixel):
    *colors, alpha = pixel
    image = Image.new("RGBA", (1, 1), pixel)
    composited = np.asarray(to_eight_bit(image, 3))[0, 0].astype(float)
    expected = (np.array(colors) * alpha + 255 * (255 - alpha)) / 255
    np.testing.assert_allclose(composited, expected, atol=1)


def test_transparent_gray_stays_gray_and_is_composited_over_white(tmp_path):
    images = [Image.new("LA", (28, 28), (0, alpha)) for alpha in (0, 255)]
    path = fill(tmp_path, images)
    assert open_dataset(path).spec.channels == 1
    assert images_of(path) == {bytes([255]) * 784, bytes([0]) * 784}


def test_palettes_become_rgb_and_their_transparent_entry_white(tmp_path):
    image = Image.fromarray((np.arange(784) % 3).astype(np.uint8).reshape(28, 28)).convert("P")
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    for number in range(2):
        image.save(tmp_path / f"{number}.png", transparency=1)
    data = open_dataset(str(tmp_path)).load("train")
    assert data.values[0, :, 0, :3].T.tolist() == [[255, 0, 0], [255, 255, 255], [0, 0, 255]]


@pytest.mark.parametrize("size", [28, 32, 64, 128])
def test_equal_squares_of_a_usual_size_keep_it(tmp_path, size):
    assert open_dataset(fill(tmp_path, [color(0, (size, size))] * 2)).spec.shape == (3, size, size)


@pytest.mark.parametrize("sizes", [[(28, 28), (32, 32)], [(40, 40)] * 2, [(28, 32)] * 2])
def test_other_sizes_become_32(tmp_path, sizes):
    data = open_dataset(fill(tmp_path, [color(0, size) for size in sizes])).load("train")
    assert data.values.shape[1:] == (3, 32, 32)


def test_a_size_asked_for_is_part_of_the_name_and_opens_again(tmp_path, monkeypatch):
    fill(tmp_path / "images", [color(0, (40, 40))] * 2)
    monkeypatch.chdir(tmp_path)
    source = open_dataset("./images@16")
    assert source.spec.shape == (3, 16, 16)
    monkeypatch.chdir("/")
    assert open_dataset(source.spec.name).spec == source.spec


def test_a_folder_whose_name_ends_like_a_size(tmp_path):
    path = fill(tmp_path / "photos@16", [color()] * 2)
    assert open_dataset(path).spec.shape == (3, 28, 28)
    assert open_dataset(f"{path}@8").spec.shape == (3, 8, 8)


@given(st.integers(1, 40), st.integers(1, 40))
def test_the_largest_centered_square_is_kept(width, height):
    ramp = np.add.outer(np.arange(height) * 5, np.arange(width)).astype(np.uint8)
    side = min(width, height)
    top, left = (height - side) // 2, (width - side) // 2
    square = np.asarray(fit(Image.fromarray(ramp), side))
    np.testing.assert_array_equal(square, ramp[top : top + side, left : left + side])


def test_resizing_is_antialiased():
    board = np.indices((64, 64)).sum(0) % 2 * 255
    small = np.asarray(fit(Image.fromarray(board.astype(np.uint8)), 16)).astype(int)
    assert np.abs(small - 127.5).max() < 20


def test_folders_directly_below_are_classes(tmp_path):
    for value, name in enumerate(("cat", "bird")):
        fill(tmp_path / name, [Image.new("L", (28, 28), 100 * value)] * 20)
    train, test = everything(str(tmp_path))
    assert train.spec.classes == 2
    for data in (train, test):  # in alphabetical order: bird is 0, and its images are 100
        assert [int(label) for label in data.labels] == [int(v[0, 0, 0] == 0) for v in data.values]


@pytest.mark.parametrize("extra", ["loose.png", "cat/deeper/x.png"])
def test_folders_are_no_classes_where_images_lie_elsewhere_too(tmp_path, extra):
    for name in ("cat", "bird"):
        fill(tmp_path / name, [gray()] * 2)
    (tmp_path / extra).parent.mkdir(exist_ok=True)
    gray().save(tmp_path / extra)
    assert open_dataset(str(tmp_path)).spec.classes == 0


def test_one_folder_is_no_class(tmp_path):
    fill(tmp_path / "all", [gray()] * 2)
    assert open_dataset(str(tmp_path)).spec.classes == 0


def test_the_version_follows_content_and_names(tmp_path):
    first = fill(tmp_path / "a", [gray(seed) for seed in range(3)])
    second = fill(tmp_path / "b", [gray(seed) for seed in range(3)])
    versions = [open_dataset(path).spec.version for path in (first, second)]
    assert versions[0] == versions[1]
    (tmp_path / "b" / "002.png").rename(tmp_path / "b" / "003.png")
    versions.append(open_dataset(second).spec.version)
    gray(9).save(tmp_path / "a" / "001.png")
    versions.append(open_dataset(first).spec.version)
    assert len(set(versions)) == 3


@pytest.mark.parametrize("images", [[], [gray()]])
def test_too_few_images_are_refused(tmp_path, images):
    fill(tmp_path, images)
    (tmp_path / "notes.txt").write_text("no image")
    with pytest.raises(InputError, match=r"\.png \.jpg \.jpeg \.bmp \.webp \.tif") as caught:
        open_dataset(str(tmp_path))
    assert str(tmp_path) in caught.value.message
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "webp", "tif", "gif"])
def test_a_damaged_image_is_named_when_the_folder_is_opened(tmp_path, suffix):
    fill(tmp_path, [color(seed, (64, 64)) for seed in range(12)], suffix)
    for number in (4, 7):
        file = tmp_path / f"{number:03d}.{suffix}"
        data = file.read_bytes()
        file.write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match=rf"004\.{suffix} cannot be read: .*\(2 such files"):
        open_dataset(str(tmp_path))


@pytest.mark.parametrize("content", [b"", b"not an image", b"\x89PNG\r\n\x1a\n"])
def test_a_file_that_only_claims_to_be_an_image_is_named(tmp_path, content):
    fill(tmp_path, [color()] * 3)
    (tmp_path / "001.png").write_bytes(content)
    with pytest.raises(InputError, match=r"The image .*001\.png cannot be read: [^(]*$"):
        open_dataset(str(tmp_path))


def test_formats_beyond_those_named_are_not_decoded(tmp_path):
    fill(tmp_path, [color()] * 3)
    color().save(tmp_path / "001.png", "EPS")  # Pillow would start another program for it
    with pytest.raises(InputError, match=r"001\.png cannot be read"):
        open_dataset(str(tmp_path))


def test_floating_point_pixels_are_refused(tmp_path):
    fill(tmp_path, [Image.fromarray(np.zeros((28, 28), np.float32))] * 2, "tif")
    with pytest.raises(InputError, match="floating-point"):
        open_dataset(str(tmp_path))


@pytest.mark.parametrize("ending", [".zip", ".tar", ".tar.gz", ".TGZ"])
@pytest.mark.parametrize("names", [["1.png", "2.png", "3.png"], ["a/1.png", "a/2.png", "b/3.png"]])
def test_an_archive_is_the_folder_that_is_packed_in_it(
    pictures, write, monkeypatch, tmp_path, ending, names
):
    files = dict(zip(names, pictures(3)[1].values(), strict=True))
    folder = open_dataset(write(files, "", "folder"))
    packed = write(files, ending.lower(), "packed")
    packed = packed.rename(packed.with_name("x" + ending))
    monkeypatch.chdir(tmp_path)
    for name in (packed, packed.name, f"{packed.name}@16"):
        archive = open_dataset(name)
        assert archive.spec.version == folder.spec.version
        assert archive.spec.classes == folder.spec.classes
        assert open_dataset(archive.spec.name).spec == archive.spec
        if not str(name).endswith("@16"):
            assert torch.equal(archive.load("train").values, folder.load("train").values)


@pytest.mark.parametrize("ending", [".zip", ".tar"])
def test_a_damaged_member_is_named_as_a_damaged_file_is(pictures, write, ending):
    files = pictures(5)[1]
    files |= {"0001.png": files["0001.png"][:60], "0003.png": b"text"}
    path = write(files, ending)
    with pytest.raises(InputError, match=r"0001\.png cannot be read: .*\(2 such files in "):
        open_dataset(path)


def test_too_many_pixels_are_refused_before_they_are_decoded(tmp_path, monkeypatch):
    from ganbench.data import image_formats

    path = fill(tmp_path, [color()] * 3)
    monkeypatch.setattr(image_formats, "IMAGE_PIXELS", 28 * 28 - 1)
    with pytest.raises(InputError, match="it has 28 x 28 pixels, more than 783"):
        open_dataset(path)
