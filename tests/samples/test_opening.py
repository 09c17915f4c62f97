# SPDX-License-Identifier: MIT
"""What a source is taken for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from ganbench.data import open_dataset
from ganbench.errors import ConfigError, InputError, MissingDataError, UnknownNameError
from ganbench.samples import open_samples
from ganbench.samples.sample_set import Samples, of_tensor

REGISTERED = '''
import numpy as np
from ganbench import DataSpec, register
from ganbench.data.array_source import ArraySource

@register("squares")
def squares(root=None):
    """Squares."""
    read = lambda split: (np.ones((3 if split == "train" else 2, 2), np.float32), None)
    return ArraySource(DataSpec("squares", "1", (2,)), read)

def draw(count, generator):
    import torch
    return torch.randn(count, 3, generator=generator)
'''


@pytest.mark.parametrize(
    ("name", "split", "expected"),
    [
        ("mnist5k", None, "train"),
        ("mnist5k:test", None, "test"),
        ("mnist5k", "test", "test"),
        ("mnist5k:test", "test", "test"),
    ],
)
def test_datasets_by_name(stacked, name, split, expected):
    data = open_dataset("mnist5k").load(expected)
    samples = open_samples(name, split=split)
    assert torch.equal(stacked(samples), data.values)
    assert samples.labels.tolist() == data.labels.tolist()
    facts = samples.facts
    assert (facts.name, facts.split, facts.version) == ("mnist5k", expected, data.spec.version)
    assert (facts.network, facts.classes) == ("mnist-cnn", 10)
    assert torch.equal(stacked(open_samples(data)), data.values)


def test_a_part_of_a_dataset_is_not_taken_for_the_whole(stacked):
    whole, part = open_samples("mnist5k:test"), open_samples("mnist5k:test", count=100)
    assert len(part) == 100
    assert part.facts.version != whole.facts.version
    assert part.facts.version != open_samples("mnist5k:test", count=100, seed=1).facts.version
    images = stacked(whole)
    for image, label in zip(stacked(part)[:5], part.labels, strict=False):
        (at,) = np.flatnonzero((images == image).flatten(1).all(1))
        assert whole.labels[at] == label


def test_a_size_is_part_of_a_dataset_s_name(monkeypatch, tmp_path):
    with pytest.raises(ConfigError, match="one size only"):
        open_samples("ring8@64:test")
    with pytest.raises(ConfigError, match="no split 'valid'"):
        open_samples("mnist5k:valid")
    with pytest.raises(ConfigError, match="Two splits are given"):
        open_samples("mnist5k:test", split="train")
    with pytest.raises(ConfigError, match="Labels can be given for arrays and files only"):
        open_samples("mnist5k", labels=[1])
    assert open_samples("ring8:test").facts.mixture is not None


def test_datasets_and_functions_of_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(REGISTERED)
    assert len(open_samples("./mine.py")) == 3
    assert len(open_samples("./mine.py:squares", split="test")) == 2
    assert open_samples("mine.py:draw", count=7).facts.shape == (3,)


@pytest.mark.parametrize(
    ("name", "error", "sentence"),
    [
        ("no-such-data", UnknownNameError, "no file, folder, run or dataset 'no-such-data'"),
        ("mnist5", UnknownNameError, "Did you mean 'mnist5k'"),
        ("fashion-mnits:test", UnknownNameError, "Did you mean 'fashion-mnist'"),
        ("./nothing", MissingDataError, "no file or folder ./nothing"),
        ("nothing.zip", MissingDataError, "no file or folder nothing.zip"),
        ("https://example.com/x.zip", MissingDataError, "no file or folder https"),
        ("", UnknownNameError, "no file, folder, run or dataset ''"),
        ("x" * 5000 + "/a", InputError, "cannot be read"),
        ("~nobody-of-that-name/x", InputError, "home folder ~nobody-of-that-name stands for"),
        ("a\0b/x", InputError, "holds the character NUL"),
    ],
)
def test_names_that_mean_nothing(tmp_path, monkeypatch, name, error, sentence):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=sentence):
        open_samples(name)


@pytest.mark.parametrize("name", ["a.pkl", "a.7z", "a", "a.png", "a.safetensors", "a.rar"])
def test_files_of_other_kinds(tmp_path, name):
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(InputError, match=r"supported are a folder, \.zip, \.tar"):
        open_samples(tmp_path / name)


def test_a_folder_that_is_called_as_a_dataset_is_told_by_its_path(
    write, pictures, monkeypatch, tmp_path
):
    write(pictures(2)[1], "", "mnist5k")
    write(pictures(2)[1], "", "mine")
    monkeypatch.chdir(tmp_path)
    assert len(open_samples("mnist5k")) == 4000
    assert len(open_samples("./mnist5k")) == len(open_samples(Path("mnist5k"))) == 2
    assert len(open_samples("mine")) == 2


@pytest.mark.parametrize("source", [3, None, {"a": 1}, {}, b"bytes", object()])
def test_objects_that_are_no_samples(source):
    with pytest.raises(InputError, match="Samples cannot be read from"):
        open_samples(source)


def test_open_samples_pass_as_they_are_or_in_part(stacked, gather):
    images = torch.randint(0, 256, (30, 1, 4, 4), dtype=torch.uint8)
    samples = of_tensor(images)
    assert open_samples(samples) is samples
    part = open_samples(samples, count=10, seed=1)
    assert gather(part, 4)[0] == list(range(10))
    same = open_samples(images, count=10, seed=1)
    assert torch.equal(stacked(part, 4), stacked(same))


def test_a_part_of_samples_keeps_labels_names_and_what_is_skipped():
    class Letters(Samples):
        def __init__(self):
            self.names = list("abcdefgh")
            self.labels = np.arange(8)
            self.facts = of_tensor(torch.zeros(1, 2)).facts
            self.skipped = {}

        def __len__(self):
            return 8

        def chunks(self, size=64):
            from ganbench.samples import Chunk

            self.skipped["c"] = "broken"
            readable = np.array([0, 1, 3, 4, 5, 6, 7])
            yield Chunk(torch.from_numpy(readable)[:, None].float(), readable)

    part = open_samples(Letters(), count=7)
    values = {
        int(i): float(v) for c in part.chunks(2) for i, v in zip(c.indices, c.values, strict=True)
    }
    assert all(part.labels[i] == v == "abcdefgh".index(part.names[i]) for i, v in values.items())
    assert set(part.skipped) == {"c"} & set(part.names)
    assert len(values) == 7 - len(part.skipped)
