# SPDX-License-Identifier: MIT
"""Image files from folders and archives: the same pixels, whatever they are packed in."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ganbench.data import image_formats
from ganbench.errors import ConfigError, InputError, MissingDataError
from ganbench.samples import image_samples, open_samples
from ganbench.samples.image_samples import decode_file

ARCHIVES = [".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz"]


@pytest.mark.parametrize("ending", ["", *ARCHIVES])
def test_every_packing_gives_the_same_samples(pictures, write, stacked, ending):
    pixels, files = pictures(10)
    shuffled = dict(sorted(files.items(), key=lambda pair: pair[1]))
    samples = open_samples(write(shuffled, ending))
    expected = torch.from_numpy(pixels).permute(0, 3, 1, 2)
    assert torch.equal(stacked(samples), expected)
    assert torch.equal(stacked(samples), expected)  # a second reading
    assert samples.names == sorted(files)
    assert len(samples) == 10
    assert samples.skipped == {}
    assert samples.labels is None
    assert samples.facts.name == f"samples{ending}"
    assert samples.facts.shape == (3, 8, 8)
    assert samples.facts.kind == "images"


def test_the_version_is_that_of_names_and_contents(pictures, write, gather):
    _, files = pictures(5)
    versions = [
        open_samples(write(files, ending, f"a{n}")).facts.version
        for n, ending in enumerate(["", ".zip", ".tar.gz"])
    ]
    read_first = open_samples(write(files, ".tar", "b"))
    gather(read_first)
    renamed = {name.replace("0004", "0005"): data for name, data in files.items()}
    changed = {**files, "0004.png": files["0003.png"]}
    others = [
        open_samples(write(altered, "", f"c{n}")).facts.version
        for n, altered in enumerate([renamed, changed])
    ]
    assert {*versions, read_first.facts.version} == {versions[0]}
    assert len({versions[0], *others}) == 3


@pytest.mark.parametrize("size", [1, 3, 10, 64])
def test_chunks_of_any_size_hold_the_same(pictures, write, gather, size):
    _, files = pictures(10)
    samples = open_samples(write(files, ".zip"))
    indices, values = gather(samples, size)
    assert indices == list(range(10))
    assert torch.equal(torch.stack(values), torch.stack(gather(samples)[1]))


def test_nested_mixed_images_keep_their_size_and_channels(png, write, gather):
    gray = np.random.default_rng(0).integers(0, 256, (5, 7), dtype=np.uint8)
    color = np.random.default_rng(1).integers(0, 256, (6, 4, 3), dtype=np.uint8)
    files = {
        "b/x/gray.png": png(gray),
        "a.bmp": png(color, "BMP"),
        "c.TIFF": png(gray, "TIFF"),
        "notes.txt": b"no image",
        ".hidden.png": b"no image",
        "__MACOSX/._a.png": b"no image",
        "inner.zip": b"no image",
    }
    samples = open_samples(write(files, ".zip"))
    (chunk,) = samples.chunks()
    assert samples.names == ["a.bmp", "b/x/gray.png", "c.TIFF"]
    assert isinstance(chunk.values, list)
    assert samples.facts.shape is None
    np.testing.assert_array_equal(chunk.values[0].permute(1, 2, 0), color)
    for image in chunk.values[1:]:
        np.testing.assert_array_equal(image[0], gray)
        assert image.shape == (1, 5, 7)


def test_one_rule_for_16_bits_1_bit_transparency_and_palettes(png, write, gather):
    deep = np.array([[0, 128, 129, 257 * 200, 65535]], dtype=np.uint16)
    clear = Image.fromarray(np.array([[[10, 20, 30, 0], [10, 20, 30, 255]]], dtype=np.uint8))
    palette = Image.fromarray(np.array([[0, 1]], dtype=np.uint8)).convert("P")
    palette.putpalette([9, 8, 7, 6, 5, 4])
    files = {
        "1.png": png(deep),
        "2.png": png(np.array([[True, False]])),
        "3.png": png(clear),
        "4.png": png(palette),
    }
    values = gather(open_samples(write(files)))[1]
    assert values[0].tolist() == [[[0, 0, 1, 200, 255]]]
    assert values[1].tolist() == [[[255, 0]]]
    assert values[2].permute(1, 2, 0).tolist() == [[[255, 255, 255], [10, 20, 30]]]
    assert values[3].permute(1, 2, 0).tolist() == [[[9, 8, 7], [6, 5, 4]]]


@settings(max_examples=30)
@given(st.integers(1, 9), st.integers(1, 9), st.booleans(), st.sampled_from(["PNG", "TIFF", "BMP"]))
def test_pixels_come_back_from_lossless_files(width, height, color, form):
    import io

    shape = (height, width, 3) if color else (height, width)
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, form)
    claimed = []
    image = decode_file(buffer.getvalue(), claimed.append)
    decoded = image.permute(1, 2, 0).numpy() if color else image[0].numpy()
    np.testing.assert_array_equal(decoded, pixels)
    assert claimed == [pixels.size]


@pytest.mark.parametrize("top", ["", "all/", "all/more/"])
def test_class_folders_give_labels(pictures, write, top):
    data = list(pictures(4)[1].values())
    names = ["dog/1.png", "cat/1.png", "cat/2.png", "eel/9.png"]
    samples = open_samples(write({top + n: d for n, d in zip(names, data, strict=True)}, ".zip"))
    assert samples.names == [top + name for name in sorted(names)]
    assert samples.labels.tolist() == [0, 0, 1, 2]
    assert samples.facts.classes == 3
    assert open_samples(write({"cat/1.png": data[0], "2.png": data[1]})).labels is None


def test_a_part_is_random_seeded_and_nested(pictures, write, stacked):
    pixels, files = pictures(40)
    path = write(files)

    def names(count, seed=0):
        return open_samples(path, count=count, seed=seed).names

    part = open_samples(path, count=10, labels=np.arange(40))
    assert part.names == sorted(part.names)
    assert names(10) == part.names != names(10, seed=1)
    assert set(names(10)) < set(names(20))
    assert part.labels.tolist() == [int(name[:4]) for name in part.names]
    expected = torch.from_numpy(pixels[part.labels]).permute(0, 3, 1, 2)
    assert torch.equal(stacked(part), expected)
    assert len(open_samples(path, count=40)) == len(open_samples(path, count=99)) == 40
    assert part.facts.version != open_samples(path).facts.version
    again = open_samples(open_samples(path), count=10)  # of samples that are open already
    assert again.names == part.names
    labeled = open_samples(open_samples(path, labels=np.arange(40)), count=10)
    assert (labeled.labels.tolist(), labeled.facts.classes) == (part.labels.tolist(), 40)


def broken(files):
    whole = files["0003.png"]
    return {
        **files,
        "0003.png": whole[: len(whole) // 2],
        "0005.png": b"not an image",
        "0006.png": b"",
    }


@pytest.mark.parametrize("ending", ["", ".zip", ".tar"])
def test_unreadable_images_are_skipped_named_and_counted(pictures, write, gather, ending):
    pixels, files = pictures(9)
    samples = open_samples(write(broken(files), ending))
    indices, values = gather(samples, 2)
    assert indices == [0, 1, 2, 4, 7, 8]
    assert len(samples) == 9
    assert list(samples.skipped) == ["0003.png", "0005.png", "0006.png"]
    assert "truncated" in samples.skipped["0003.png"]
    assert samples.skipped["0005.png"] == "it is no image of a known format"
    np.testing.assert_array_equal(torch.stack(values).permute(0, 2, 3, 1), pixels[indices])
    assert samples.facts.shape == (3, 8, 8)


@pytest.mark.parametrize("ending", ["", ".zip", ".tgz"])
def test_strict_names_the_first_and_counts_all(pictures, write, ending):
    samples = open_samples(write(broken(pictures(9)[1]), ending), strict=True)
    seen = []

    def read():
        for chunk in samples.chunks(2):
            seen.extend(chunk.indices.tolist())

    with pytest.raises(InputError, match=r"3 of the 9 images in .* read, first 0003\.png: .*trunc"):
        read()
    assert seen == [0, 1]  # from the first failure on images are only counted


def test_one_image_is_enough_and_none_is_an_error(pictures, write, gather):
    _, files = pictures(1)
    assert len(gather(open_samples(write(files)))[1]) == 1
    bad = open_samples(write({"a.png": b"x", "b.png": b"y"}, ".tar"))
    with pytest.raises(
        InputError, match=r"None of the 2 images in .*\.tar can be read; a\.png: it"
    ):
        gather(bad)


def test_a_file_that_vanishes_is_skipped(pictures, write, gather):
    path = write(pictures(3)[1])
    samples = open_samples(path)
    (path / "0001.png").unlink()
    assert gather(samples)[0] == [0, 2]
    assert samples.skipped == {"0001.png": "No such file or directory"}
    assert samples.facts.version


def test_a_name_that_is_no_utf_8_can_be_printed(pictures, write, gather):
    path = write({"a.png": b"broken"})
    (path / "a.png").rename(path / "\udcff.png")
    samples = open_samples(path)
    assert samples.facts.version
    with pytest.raises(InputError, match=r"\?\.png") as caught:
        gather(samples)
    caught.value.message.encode()


def test_too_many_pixels_are_refused_by_the_header(png, write, gather, pictures, monkeypatch):
    monkeypatch.setattr(image_formats, "IMAGE_PIXELS", 8 * 8)
    files = {**pictures(2)[1], "big.png": png(np.zeros((9, 8), np.uint8))}
    samples = open_samples(write(files))
    assert gather(samples)[0] == [0, 1]
    assert samples.skipped == {"big.png": "it has 8 x 9 pixels, more than 64"}


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [10_000, 50_000])
def test_a_png_that_claims_to_be_huge_is_not_decoded(pictures, write, gather, side):
    import struct
    import zlib

    header = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    bomb = b"\x89PNG\r\n\x1a\n" + chunk + b"\0\0\0\0IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    samples = open_samples(write({**pictures(2)[1], "bomb.png": bomb}))
    assert gather(samples)[0] == [0, 1]
    assert "pixels" in samples.skipped["bomb.png"]


def test_large_images_make_short_chunks(pictures, write, monkeypatch):
    monkeypatch.setattr(image_samples, "CHUNK_BYTES", 3 * 8 * 8 * 3)
    samples = open_samples(write(pictures(10)[1]))
    assert [len(chunk) for chunk in samples.chunks(5)] == [3, 3, 3, 1]


def test_decoding_is_ahead_but_bounded_and_ends_with_the_consumer(pictures, write, monkeypatch):
    decoded = []
    original = image_samples.decode_file
    monkeypatch.setattr(
        image_samples,
        "decode_file",
        lambda data, claim: (decoded.append(1), original(data, claim))[1],
    )
    samples = open_samples(write(pictures(100)[1], ".zip"))
    chunks = samples.chunks(5)
    next(chunks)
    next(chunks)
    time.sleep(0.2)  # time enough for threads that would not stop
    assert len(decoded) <= 10 + 10
    chunks.close()
    count = len(decoded)
    assert count < 100
    assert not [
        thread for thread in threading.enumerate() if thread.name.startswith("ganbench-ahead")
    ]
    assert len(decoded) == count


def test_each_image_is_decoded_once(pictures, write, gather, monkeypatch):
    decoded = []
    original = image_samples.decode_file
    monkeypatch.setattr(
        image_samples,
        "decode_file",
        lambda data, claim: (decoded.append(1), original(data, claim))[1],
    )
    samples = open_samples(write(pictures(20)[1]))
    assert samples.facts.shape == (3, 8, 8)
    assert decoded == []
    gather(samples, 6)
    assert len(decoded) == 20


def test_no_memory_is_one_sentence(pictures, write, gather, monkeypatch):
    def decode_file(data, claim):
        raise MemoryError

    monkeypatch.setattr(image_samples, "decode_file", decode_file)
    with pytest.raises(InputError, match=r"not enough memory for 0000\.png"):
        gather(open_samples(write(pictures(2)[1])))


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ([0, 1], r"int64 \(2,\); integers \(3,\)"),
        ([0.0, 1.0, 2.0], "float64"),
        ([0, 1, -1], "from -1 to 1"),
        ([0, 1, 10**9], "to 1000000000"),
    ],
)
def test_labels_that_do_not_fit_are_refused(pictures, write, labels, sentence):
    with pytest.raises(InputError, match=sentence):
        open_samples(write(pictures(3)[1]), labels=labels)


@pytest.mark.parametrize("ending", ["", *ARCHIVES])
def test_no_images_at_all(write, ending):
    with pytest.raises(InputError, match=r"holds no images; files that end in \.png \.jpg"):
        open_samples(write({"notes.txt": b"text"}, ending))


def test_a_split_of_a_folder_and_nothing_at_all(tmp_path, write, pictures):
    with pytest.raises(ConfigError, match="Only datasets have splits"):
        open_samples(write(pictures(2)[1]), split="test")
    with pytest.raises(MissingDataError, match="no file or folder"):
        open_samples(tmp_path / "nothing")
