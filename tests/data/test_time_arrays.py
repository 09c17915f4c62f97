# SPDX-License-Identifier: MIT
"""Arrays of sequences and videos: every layout, and what is refused."""

import numpy as np
import pytest
import torch

from ganbench.data import open_dataset
from ganbench.errors import ConfigError, InputError

RANDOM = np.random.default_rng(0)
SIGNALS = RANDOM.uniform(-1, 1, (20, 2, 32)).astype(np.float32)
TOKENS = RANDOM.integers(0, 5, (20, 9))
VIDEOS = RANDOM.integers(0, 256, (20, 3, 6, 8, 10), dtype=np.uint8)


def rejoined(source):
    parts = torch.cat([source.load(split).values for split in source.splits])
    return sorted(map(str, parts.tolist()))


@pytest.mark.parametrize(
    ("array", "shape"),
    [
        (SIGNALS, (2, 32)),
        (SIGNALS.astype(np.float64), (2, 32)),
        (torch.from_numpy(SIGNALS), (2, 32)),
        (SIGNALS[:, 0], (1, 32)),
        (np.abs(SIGNALS), (2, 32)),  # unlike images, signals may be positive
    ],
)
def test_signals_of_every_layout(array, shape):
    source = open_dataset({"sequences": array})
    assert (source.spec.kind, source.spec.shape) == ("sequence", shape)
    data = source.load("train")
    assert (data.values.dtype, len(data)) == (torch.float32, 18)
    expected = np.asarray(array, np.float32).reshape(20, *shape)
    assert rejoined(source) == sorted(map(str, expected.tolist()))


def test_a_stated_range_is_mapped_to_that_of_the_networks():
    source = open_dataset({"sequences": SIGNALS * 100 + 50}, value_range=(-50, 150))
    values = np.sort(torch.cat([source.load(s).values for s in source.splits]).numpy().ravel())
    assert np.abs(values - np.sort(SIGNALS.ravel())).max() < 1e-5


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int64])
def test_tokens_have_a_channel_for_each(dtype):
    source = open_dataset({"sequences": TOKENS.astype(dtype)})
    assert (source.spec.kind, source.spec.shape) == ("sequence", (5, 9))
    assert source.spec.alphabet == tuple("01234")
    assert rejoined(source) == sorted(map(str, TOKENS.tolist()))
    batch = source.load("train").batch(torch.arange(3))
    assert torch.equal(batch.images.argmax(1), source.load("train").values[:3])
    wider = open_dataset({"sequences": TOKENS, "alphabet": "abcdefg"})
    assert wider.spec.shape == (7, 9)


@pytest.mark.parametrize(
    ("array", "named"),
    [
        (VIDEOS, False),
        (VIDEOS.transpose(0, 2, 3, 4, 1), False),
        (torch.from_numpy(VIDEOS), False),
        ((VIDEOS / 127.5 - 1).astype(np.float32), False),
        (VIDEOS, True),
    ],
)
def test_videos_of_every_layout(array, named):
    source = open_dataset({"videos": array} if named else array)
    assert (source.spec.kind, source.spec.shape) == ("video", (3, 6, 8, 10))
    assert source.load("train").values.dtype == torch.uint8
    assert rejoined(source) == sorted(map(str, VIDEOS.tolist()))
    batch = source.load("train").batch(torch.arange(2))
    assert torch.equal(batch.images, source.load("train").values[:2].float() * (2 / 255) - 1)


def test_gray_videos_are_named():
    source = open_dataset({"videos": VIDEOS[:, 0]})
    assert source.spec.shape == (1, 6, 8, 10)
    assert rejoined(source) == sorted(map(str, VIDEOS[:, :1].tolist()))


@pytest.mark.parametrize(
    ("data", "error", "sentence"),
    [
        ({"sequences": 3 * SIGNALS}, InputError, r"floats in \[-1, 1\] were expected"),
        ({"sequences": SIGNALS + np.nan}, InputError, "NaN or infinite, in 20 of 20"),
        ({"sequences": SIGNALS[:1]}, InputError, "holds 1 examples"),
        ({"sequences": SIGNALS[:, :, :0]}, InputError, r"signals as floats \(N, C, L\)"),
        ({"sequences": VIDEOS}, InputError, r"uint8 of the shape .*; signals as floats"),
        ({"sequences": TOKENS - 1}, InputError, "tokens from -1 to 3"),
        ({"sequences": TOKENS * 10**5}, InputError, "at most 99999"),
        ({"sequences": TOKENS, "alphabet": "abc"}, InputError, "tokens up to 4, and the alph.* 3"),
        ({"sequences": TOKENS, "alphabet": [1, 2]}, InputError, "must be a list of texts"),
        ({"sequences": SIGNALS, "alphabet": "ab"}, InputError, "an alphabet is for tokens"),
        ({"sequences": SIGNALS, "rate": 0.5}, InputError, "whole number of steps"),
        ({"sequences": SIGNALS, "rates": 5}, InputError, "the keys sequences, rates; one of"),
        ({"sequences": SIGNALS, "videos": VIDEOS}, InputError, "one of points, images, seq"),
        ({"sequences": SIGNALS, "labels": [1, 2]}, InputError, r"integers \(20,\)"),
        ({"sequences": "a.wav"}, InputError, "'sequences' is str"),
        ({"videos": VIDEOS[:, :2]}, InputError, "with 1 or 3 channels"),
        ({"videos": SIGNALS}, InputError, r"videos \(N, T, H, W\)"),
        ({"videos": VIDEOS / 255.0}, InputError, "values from 0 to 1; floats in"),
        ({"points": SIGNALS}, InputError, r"points \(N, D\) were expected"),
        ({"images": SIGNALS[:, 0]}, InputError, r"images \(N, H, W\) or with channels"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(data, error, sentence):
    with pytest.raises(error, match=sentence):
        open_dataset(data)


def test_signals_that_are_not_named_are_not_cut_to_images_of_one_pixel():
    with pytest.raises(InputError, match="a single pixel high or wide") as caught:
        open_dataset(torch.from_numpy(SIGNALS[:, :1]))
    assert '{"sequences": array}' in caught.value.hint


def test_other_kinds_have_no_resolution():
    for data in ({"sequences": SIGNALS}, VIDEOS):
        with pytest.raises(ConfigError, match=r"(sequences|videos), which have no resolution"):
            open_dataset(data, resolution=32)


def test_labels_rate_and_alphabet_belong_to_the_identity():
    def version(**others):
        return open_dataset({"sequences": TOKENS, **others}).spec.version

    versions = [
        version(),
        version(alphabet="abcde"),
        version(alphabet="abcdf"),
        version(rate=5),
        version(labels=TOKENS[:, 0]),
    ]
    assert len(set(versions)) == len(versions)
    assert version(alphabet="abcde") == versions[1]


def test_labels_go_along_and_may_be_an_argument():
    labels = np.arange(20) % 4
    for source in (
        open_dataset({"sequences": SIGNALS, "labels": labels}),
        open_dataset({"sequences": SIGNALS}, labels=labels),
    ):
        assert source.spec.classes == 4
        first = source.load("train")
        index = np.abs(SIGNALS - first.values[0].numpy()).sum((1, 2)).argmin()
        assert first.labels[0] == labels[index]


def test_a_loaded_split_opens_as_the_same_kind():
    for data in ({"sequences": TOKENS, "alphabet": "abcdefg", "rate": 3}, VIDEOS):
        split = open_dataset(data).load("train")
        again = open_dataset(split).spec
        assert (again.kind, again.shape) == (split.spec.kind, split.spec.shape)
        assert (again.alphabet, again.rate) == (split.spec.alphabet, split.spec.rate)
