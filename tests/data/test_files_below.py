# SPDX-License-Identifier: MIT
"""What lies below a folder: every file is read, or counted with the reason why it is not."""

from __future__ import annotations

import os

import numpy as np
import pytest
from PIL import Image

from ganbench.data import open_dataset
from ganbench.data.files_below import (
    BROKEN,
    CLOSED,
    HIDDEN,
    IRREGULAR,
    REPEATED,
    counted_reasons,
    files_below,
)
from ganbench.errors import InputError
from ganbench.samples import open_samples

ENDINGS = (".png", ".ppm", ".pgm", ".avif", ".jfif", ".jp2", ".qoi", ".tga")


def image(path, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    picture = Image.fromarray(pixels)
    picture.convert("L" if path.suffix == ".pgm" else "RGB").save(path)


def text_names(folder):
    found = files_below(folder, lambda name: name.endswith(".txt"))
    return found.names, dict(found.passed_over)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "in" / "a").mkdir(parents=True)
    (tmp_path / "in" / "a" / "1.txt").touch()
    return tmp_path / "in"


def test_links_to_folders_are_followed_wherever_they_lead(folder, tmp_path):
    (tmp_path / "elsewhere" / "deep").mkdir(parents=True)
    (tmp_path / "elsewhere" / "deep" / "2.txt").touch()
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    (folder / "file.txt").symlink_to(tmp_path / "elsewhere" / "deep" / "2.txt")
    assert text_names(folder) == (["a/1.txt", "file.txt", "link/deep/2.txt"], {})


@pytest.mark.parametrize("target", ["..", ".", "../a", "../.."])
def test_links_that_form_a_loop_end_and_are_counted(folder, target):
    (folder / "a" / "loop").symlink_to(target)
    names, passed_over = text_names(folder)
    # Two levels up lies a folder that holds this one, which is then met again.
    assert names == ["a/1.txt"]
    assert passed_over == {REPEATED: 1}


def test_a_folder_goes_by_its_own_path_whatever_is_listed_first(folder):
    (folder / "Z").mkdir()
    (folder / "Z" / "2.txt").touch()
    (folder / "A").symlink_to("Z")
    (folder / "B").symlink_to("Z")
    assert text_names(folder) == (["Z/2.txt", "a/1.txt"], {REPEATED: 2})


def test_a_chain_of_doubled_links_is_read_in_no_time(folder):
    for level in range(40):  # 2**40 paths
        (folder / f"level{level}").mkdir()
        for side in "xy":
            (folder / f"level{level}" / side).symlink_to(f"../level{level + 1}")
    (folder / "level40").mkdir()
    names, passed_over = text_names(folder)
    assert (names, passed_over) == (["a/1.txt"], {REPEATED: 80})


def test_everything_else_is_counted_by_its_reason(folder):
    (folder / "gone.txt").symlink_to("nowhere")
    (folder / "self.txt").symlink_to("self.txt")
    (folder / ".hidden.txt").touch()
    (folder / ".cache").mkdir()
    (folder / ".cache" / "1.txt").touch()
    (folder / "device.txt").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe.txt")
    for name in ("b.NPY", "c.npy", "README", "d.odd ending"):
        (folder / name).touch()
    assert text_names(folder) == (
        ["a/1.txt"],
        {
            BROKEN: 2,
            HIDDEN: 2,
            IRREGULAR: 2,
            "files ending in .npy": 2,
            "files without an ending": 1,
            "files of other endings": 1,
        },
    )


def test_a_folder_that_cannot_be_opened_is_counted(folder, monkeypatch):
    scan = os.scandir

    def closed(path):
        if str(path).endswith("/a"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", closed)
    assert text_names(folder) == ([], {CLOSED: 1})
    with pytest.raises(PermissionError):
        text_names(folder / "a")
    with pytest.raises(InputError, match=r"a cannot be read as a folder: .*Permission denied"):
        open_samples(folder / "a")


def test_counts_in_words_are_the_largest_first_and_bounded():
    counts = {f"files ending in .{letter}": ord(letter) for letter in "abcdefghijkl"}
    words = counted_reasons(counts)
    assert words.startswith("files ending in .l (108), files ending in .k (107), ")
    assert words.endswith(", others (394)")


def test_sixty_images_are_sixty_samples_for_training_and_for_eval(tmp_path):
    """Forty lay beside known endings, or behind a link; none of them was missed by name."""
    for index in range(40):
        image(tmp_path / "photos" / f"{index}{ENDINGS[index % len(ENDINGS)]}", index)
    for index in range(20):
        image(tmp_path / "more" / f"{index}.bmp", index)
    (tmp_path / "photos" / "linked").symlink_to(tmp_path / "more")
    samples = open_samples(tmp_path / "photos", strict=True)
    assert sum(len(chunk) for chunk in samples.chunks()) == 60
    source = open_dataset(str(tmp_path / "photos"))
    assert sum(len(source.load(split)) for split in source.splits) == 60
    assert samples.passed_over == source.passed_over == {}
    assert samples.notices == source.notices == ()


@pytest.mark.parametrize("packed", [False, True])
def test_what_is_passed_over_is_said_once_and_refused_if_strict(tmp_path, packed, write):
    image(tmp_path / "0.png")
    image(tmp_path / "1.png", 1)
    data = [(tmp_path / f"{number}.png").read_bytes() for number in (0, 1)]
    files = {"a/0.png": data[0], "a/1.png": data[1], "a/x.npy": b"", "a/.y.png": b"", "a/z": b""}
    path = write(files, ".zip" if packed else "", "set")
    words = "files ending in .npy (1), files without an ending (1), hidden files and folders (1)"
    samples, source = open_samples(path), open_dataset(str(path))
    assert samples.notices == source.notices == (f"{path.name}: passed over: {words}.",)
    for opened in (samples, source):
        assert sum(opened.passed_over.values()) == 3
    for name in (path, f"{path}@16"):  # as samples, and as a resized dataset
        with pytest.raises(InputError, match=r"files ending in \.npy") as caught:
            open_samples(name, strict=True)
        assert "--strict" in caught.value.hint
    assert open_samples(f"{path}@16").notices[:1] == source.notices
