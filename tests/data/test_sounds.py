# SPDX-License-Identifier: MIT
"""Folders of WAV files as signals: widths, channels, lengths, and what is refused."""

import wave

import numpy as np
import pytest
import torch

from ganbench.data import open_dataset
from ganbench.errors import ConfigError, InputError


def write(path, steps, *, width=2, rate=8000):
    """Write integer steps (L, C) as PCM."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(steps.shape[1])
        file.setsampwidth(width)
        file.setframerate(rate)
        dtype = {1: np.uint8, 2: "<i2", 4: "<i4"}[width]
        file.writeframes(steps.astype(dtype).tobytes())


def values_of(source):
    """Return all signals in the order of their first steps."""
    values = torch.cat([source.load(split).values for split in source.splits])
    return values[values[:, 0, 0].argsort()]


@pytest.fixture
def folder(tmp_path):
    """Ten sounds of 40 steps whose first step is their number."""
    for index in range(10):
        steps = np.arange(40)[:, None] * 100 + index
        write(tmp_path / "sounds" / f"{index}.WAV", steps)
    return tmp_path / "sounds"


def test_sounds_are_signals_cut_or_followed_by_silence(folder):
    source = open_dataset(f"{folder}@30")
    assert (source.spec.kind, source.spec.shape, source.spec.rate) == ("sequence", (1, 30), 8000)
    expected = (np.arange(30) * 100 + np.arange(10)[:, None]).astype(np.float32) / 32768
    assert np.array_equal(values_of(source)[:, 0], expected)
    longer = values_of(open_dataset(folder, resolution=50))
    assert np.array_equal(longer[:, 0, :30], expected)
    assert longer[:, 0, 39].min() > 0
    assert longer[:, 0, 40:].abs().max() == 0
    assert open_dataset(source.spec.name).spec == source.spec
    assert open_dataset(folder).spec.shape == (1, 16_384)


def test_bytes_and_several_channels(tmp_path):
    for index in range(3):
        write(tmp_path / f"{index}.wav", np.array([[0], [128], [255], [index]]), width=1)
    values = values_of(open_dataset(f"{tmp_path}@16"))
    assert values[0, 0, :3].tolist() == [-1, 0, 127 / 128]
    for index in range(3):
        write(tmp_path / f"{index}.wav", np.array([[32767, -32768], [200, 400]]))
    values = values_of(open_dataset(f"{tmp_path}@16"))
    assert values[0, 0, :2].tolist() == [-0.5 / 32768, 300 / 32768]


def test_folders_are_classes(tmp_path):
    for index in range(20):
        write(tmp_path / "ab"[index % 2] / f"{index}.wav", np.full((20, 1), index))
    source = open_dataset(f"{tmp_path}@20")
    assert source.spec.classes == 2
    data = source.load("train")
    first = (data.values[:, 0, 0] * 32768).round().long()
    assert torch.equal(data.labels, first % 2)


def test_the_version_follows_the_content(folder):
    before = open_dataset(f"{folder}@30").spec.version
    assert open_dataset(f"{folder}@30").spec.version == before
    write(folder / "3.WAV", np.zeros((40, 1)))
    assert open_dataset(f"{folder}@30").spec.version != before


def test_what_cannot_be_read_is_one_sentence(folder, tmp_path):
    for length in (4, 10**8):
        with pytest.raises(ConfigError, match="A length from 16 to"):
            open_dataset(f"{folder}@{length}")
    write(folder / "5.WAV", np.zeros((40, 1)), rate=16_000)
    with pytest.raises(InputError, match=r"rate of 8000 Hz, and 5\.WAV one of 16000 Hz"):
        open_dataset(folder)
    write(folder / "5.WAV", np.zeros((40, 1)), width=4)
    with pytest.raises(InputError, match="steps of 32 bits; 8 or 16"):
        open_dataset(folder)
    for broken in (b"", b"RIFF", (folder / "1.WAV").read_bytes()[:30]):
        (folder / "5.WAV").write_bytes(broken)
        with pytest.raises(InputError, match=r"5\.WAV cannot be read as WAV"):
            open_dataset(folder)
    write(tmp_path / "one" / "1.wav", np.zeros((40, 1)))
    with pytest.raises(InputError, match="only one sound"):
        open_dataset(tmp_path / "one")
