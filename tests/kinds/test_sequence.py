# SPDX-License-Identifier: MIT
"""Sequences: signals and tokens, stored, seen, shown and written."""

import wave

import numpy as np
import pytest
import torch

from ganbench.data import open_dataset
from ganbench.errors import ConfigError
from ganbench.gan import DataSpec
from ganbench.kinds import kind_of
from ganbench.sampling.draw import Drawn
from ganbench.sampling.sample_files import write_files, write_npz

SOUND = DataSpec("sound", "1", (1, 64), rate=8000)
STEREO = DataSpec("stereo", "1", (2, 64))
LETTERS = DataSpec("text", "1", (4, 6), alphabet=("a", "b", " ", "é"))
TOKENS = torch.tensor([[0, 1, 2, 3, 0, 0], [3, 3, 2, 1, 1, 0]])
KIND = kind_of(SOUND)


def signals(data, count=5):
    random = torch.Generator().manual_seed(data.channels)
    return torch.rand(count, *data.shape, generator=random) * 2 - 1


def test_signals_are_seen_as_they_are_and_stored_in_their_range():
    samples = signals(SOUND)
    assert KIND.to_network(samples, SOUND) is samples
    assert torch.equal(KIND.to_samples(samples, SOUND), samples)
    assert KIND.to_samples(3 * samples, SOUND).abs().max() == 1
    assert KIND.valid(samples, SOUND).all()
    assert not KIND.valid(samples + 3, SOUND).any()


def test_signals_that_are_not_finite_stay_so_and_are_pictured():
    samples = signals(SOUND)
    samples[2, 0, 5] = float("nan")
    assert KIND.to_samples(samples, SOUND) is samples
    assert KIND.valid(samples, SOUND).tolist() == [True, True, False, True, True]
    assert KIND.picture(samples, SOUND).width > 400


def test_tokens_are_seen_as_one_hot_columns_and_come_back():
    seen = KIND.to_network(TOKENS, LETTERS)
    assert seen.shape == (2, 4, 6)
    assert seen.dtype == torch.float32
    assert torch.equal(seen.sum(dim=1), torch.ones(2, 6))
    assert all(seen[row, TOKENS[row, step], step] == 1 for row in range(2) for step in range(6))
    assert torch.equal(KIND.to_samples(seen, LETTERS), TOKENS)
    scores = torch.randn(2, 4, 6)  # what a generator draws need not be one-hot
    assert torch.equal(KIND.to_samples(scores, LETTERS), scores.argmax(1))


def test_tokens_out_of_the_alphabet_are_not_valid():
    assert KIND.valid(TOKENS, LETTERS).tolist() == [True, True]
    assert KIND.valid(TOKENS + 1, LETTERS).tolist() == [False, False]
    broken = torch.full((1, 4, 6), float("nan"))
    assert KIND.to_samples(broken, LETTERS) is broken
    assert not KIND.valid(broken, LETTERS).any()
    assert KIND.picture(broken, LETTERS).width > 400


def test_tokens_have_a_text():
    assert KIND.texts(TOKENS, LETTERS) == ["ab éaa", "éé bba"]
    with pytest.raises(ConfigError, match="sound holds signals"):
        KIND.texts(signals(SOUND), SOUND)


@pytest.mark.parametrize("data", [SOUND, STEREO, DataSpec("many", "1", (7, 30))])
def test_an_array_of_signals_comes_back(tmp_path, data):
    samples = signals(data)
    write_npz(Drawn(samples), data, tmp_path / "a.npz")
    source = open_dataset(str(tmp_path / "a.npz"))
    assert (source.spec.kind, source.spec.shape) == ("sequence", data.shape)
    assert (source.spec.rate, source.spec.alphabet) == (data.rate, None)
    values = torch.cat([source.load(split).values for split in source.splits])
    assert sorted(map(str, values.tolist())) == sorted(map(str, samples.tolist()))


def test_an_array_of_tokens_comes_back_with_its_alphabet(tmp_path):
    write_npz(Drawn(TOKENS), LETTERS, tmp_path / "a.npz")
    source = open_dataset(str(tmp_path / "a.npz"))
    assert (source.spec.shape, source.spec.alphabet) == (LETTERS.shape, LETTERS.alphabet)
    values = torch.cat([source.load(split).values for split in source.splits])
    assert sorted(values.tolist()) == sorted(TOKENS.tolist())


@pytest.mark.parametrize(("data", "rate"), [(SOUND, 8000), (STEREO, 16_000)])
def test_a_wav_file_holds_the_signal_to_sixteen_bits(tmp_path, data, rate):
    samples = signals(data)
    samples[0, 0, :3] = torch.tensor([1.0, -1.0, 5.0])
    write_files(Drawn(samples), data, tmp_path)
    for index, sample in enumerate(samples):
        with wave.open(str(tmp_path / f"{index:05d}.wav")) as file:
            assert (file.getnchannels(), file.getsampwidth()) == (data.channels, 2)
            assert (file.getframerate(), file.getnframes()) == (rate, 64)
            steps = np.frombuffer(file.readframes(64), "<i2").reshape(64, data.channels).T
        assert np.abs(steps / 32767 - sample.clamp(-1, 1).numpy()).max() <= 0.5001 / 32767


def test_texts_are_written_as_they_read(tmp_path):
    write_files(Drawn(TOKENS), LETTERS, tmp_path)
    texts = [path.read_text(encoding="utf-8") for path in sorted(tmp_path.glob("*.txt"))]
    assert texts == ["ab éaa\n", "éé bba\n"]


def test_how_many_sequences_are_pictured_and_measured():
    assert (KIND.pictured, KIND.measured(SOUND)) == (8, 5000)
