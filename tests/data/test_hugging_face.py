# SPDX-License-Identifier: MIT
"""Datasets that ``save_to_disk`` wrote are trained on and measured as their arrays are."""

import sys

import numpy as np
import pytest
from PIL import Image

import ganbench
from ganbench.data import open_dataset
from ganbench.data.hugging_face import holds_hugging_face
from ganbench.errors import InputError, MissingDataError

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 12, 12, 3), np.uint8)
LABELS = np.arange(40) % 3


@pytest.fixture
def written(tmp_path):
    """Write a dataset, or a dictionary of two splits; return its folder."""
    datasets = pytest.importorskip("datasets", reason="needs datasets: pip install datasets")

    def write(*splits):
        def part(rows):
            columns = {"image": [Image.fromarray(image) for image in PIXELS[rows]]}
            return datasets.Dataset.from_dict({**columns, "label": LABELS[rows].tolist()})

        whole = part(slice(None))
        if splits:
            whole = datasets.DatasetDict({"train": part(slice(0, 30)), "test": part(slice(30, 40))})
        whole.save_to_disk(str(tmp_path / "hf"))
        return tmp_path / "hf"

    return write


def test_a_dataset_on_disk_is_its_images_and_labels(written):
    folder = written()
    assert holds_hugging_face(folder)
    source = open_dataset(str(folder))
    assert (source.spec.name, source.spec.shape, source.spec.classes) == (
        str(folder),
        (3, 12, 12),
        3,
    )
    in_memory = open_dataset(PIXELS, labels=LABELS)
    for split in ("train", "test"):
        first, second = source.load(split), in_memory.load(split)
        assert (first.values == second.values).all()
        assert (first.labels == second.labels).all()
    assert open_dataset(f"{folder}@8").spec.shape == (3, 8, 8)


def test_splits_stay_splits(written):
    folder = written("train", "test")
    source = open_dataset(folder)
    assert [len(source.load(split)) for split in source.splits] == [30, 10]
    with pytest.raises(InputError, match=r"holds several splits: test, train\.") as several:
        ganbench.open_samples(folder)
    assert several.value.hint.endswith("hf/test")
    samples = ganbench.open_samples(folder / "test")
    assert len(samples) == 10
    assert samples.labels.tolist() == LABELS[30:].tolist()


def test_it_is_trained_on_and_resumed_by_its_path(written, train):
    run = train("vanilla", str(written()), metrics=[])
    assert ganbench.load_run(run.folder.path).sample(2).shape == (2, 3, 12, 12)


def test_without_the_package_one_sentence_says_so(tmp_path, monkeypatch):
    (tmp_path / "state.json").write_text("{}")
    (tmp_path / "dataset_info.json").write_text("{}")
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingDataError, match="the package datasets is not installed") as missing:
        open_dataset(tmp_path)
    assert missing.value.hint == "pip install datasets"


def test_a_damaged_folder_is_one_sentence(written):
    folder = written()
    (folder / "state.json").write_text("{")
    with pytest.raises(InputError, match="cannot be read by Hugging Face's datasets"):
        open_dataset(folder)
