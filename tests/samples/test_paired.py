# SPDX-License-Identifier: MIT
"""Two sets side by side: matched by name, one to one, or refused."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch

from ganbench.errors import InputError
from ganbench.samples import counterparts, open_samples


def pairs(real, fake, size=64):
    gathered = []
    for first, second in counterparts(real, fake, size):
        assert len(first) == len(second) <= size
        assert first.indices.tolist() == second.indices.tolist()
        gathered += list(zip(first.values, second.values, strict=True))
    return gathered


@pytest.fixture
def gray(png):
    """One file for each name, whose pixels all have the value."""
    return lambda values, form="PNG": {
        name: png(np.full((4, 4), value, np.uint8), form) for name, value in values.items()
    }


@pytest.mark.parametrize("size", [1, 2, 64])
def test_files_are_matched_by_path_endings_and_shared_folders_aside(gray, write, size):
    # Sorted with their endings, 'a.b' comes before 'a' on one side and after it on the other.
    real = open_samples(write(gray({"a.png": 1, "a.b.png": 2, "c/a.png": 3}), "", "real"))
    fake = open_samples(
        write(gray({"x/y/a.b.BMP": 20, "x/y/c/a.BMP": 30, "x/y/a.BMP": 10}, "BMP"), ".zip", "fake")
    )
    matched = {
        (int(first[0, 0, 0]), int(second[0, 0, 0])) for first, second in pairs(real, fake, size)
    }
    assert matched == {(1, 10), (2, 20), (3, 30)}


def test_sizes_and_channels_are_left_as_they_are(png, write):
    real = write({"a.png": png(np.zeros((4, 4), np.uint8))}, "", "real")
    fake = write({"a.png": png(np.zeros((4, 6, 3), np.uint8))}, "", "fake")
    ((first, second),) = pairs(open_samples(real), open_samples(fake))
    assert (first.shape, second.shape) == ((1, 4, 4), (3, 4, 6))


def test_where_one_of_two_cannot_be_read_both_are_left_out(gray, write):
    files = gray({f"{index}.png": index for index in range(9)})
    real = open_samples(write({**files, "3.png": b"x"}, "", "real"))
    fake = open_samples(write({**files, "5.png": b"x", "8.png": b"x"}, ".tar", "fake"))
    matched = pairs(real, fake, 2)
    assert [int(first[0, 0, 0]) for first, _ in matched] == [0, 1, 2, 4, 6, 7]
    assert all(torch.equal(first, second) for first, second in matched)
    assert set(real.skipped) == {"3.png"}
    assert set(fake.skipped) == {"5.png", "8.png"}


def test_what_cannot_be_read_is_known_even_after_the_last_pair(gray, write):
    files = gray({f"{index}.png": index for index in range(9)})
    real = open_samples(write({**files, "8.png": b"x"}, "", "real"))
    fake = open_samples(write({**files, "6.png": b"x", "7.png": b"x", "8.png": b"x"}, "", "fake"))
    assert len(pairs(real, fake)) == 6
    assert (set(real.skipped), len(fake.skipped)) == ({"8.png"}, 3)


@pytest.mark.parametrize(
    ("real", "fake", "sentence"),
    [
        ("abc", "ab", "one to one: 1 real files have no counterpart, first 'c'"),
        ("a", "abc", "one to one: 2 fake files have no counterpart, first 'b'"),
        ("abx", "aby", "1 real files .* first 'x', and 1 fake files .* first 'y'"),
    ],
)
def test_sets_that_do_not_match_are_refused(gray, write, real, fake, sentence):
    sides = [
        open_samples(write(gray({f"{name}.png": 1 for name in names}), "", side))
        for side, names in (("real", real), ("fake", fake))
    ]
    with pytest.raises(InputError, match=sentence):
        next(counterparts(*sides))


def test_two_endings_of_one_name_are_refused(gray, write):
    twice = open_samples(write(gray({"a.png": 1, "a.bmp": 2}), "", "real"))
    with pytest.raises(InputError, match="holds 2 files called 'a'"):
        next(counterparts(twice, twice))


def test_samples_without_names_are_paired_in_their_order(gray, write):
    images = torch.randint(0, 256, (10, 1, 4, 4), dtype=torch.uint8)
    matched = pairs(open_samples(images), open_samples(255 - images), 3)
    assert torch.equal(torch.stack([first for first, _ in matched]), images)
    assert all(torch.equal(second, 255 - first) for first, second in matched)
    with pytest.raises(InputError, match="10 real and 9 fake"):
        next(counterparts(open_samples(images), open_samples(images[1:])))
    files = open_samples(write(gray({"a.png": 1}), "", "files"))
    for sides in ((files, open_samples(images)), (open_samples(images), files)):
        with pytest.raises(InputError, match="paired by name, and of files and samples only"):
            next(counterparts(*sides))


def test_strict_and_stopping_early(gray, write):
    files = gray({f"{index:03d}.png": index for index in range(200)})
    real = open_samples(write(files, "", "real"))
    fake = open_samples(write({**files, "150.png": b"x"}, "", "fake"), strict=True)
    running = counterparts(real, fake, 4)
    next(running)
    running.close()
    assert not [
        thread for thread in threading.enumerate() if thread.name.startswith("ganbench-ahead")
    ]
    with pytest.raises(InputError, match="1 of the 200 images"):
        pairs(real, fake)
