# SPDX-License-Identifier: MIT
"""The bundled classifiers: their accuracy, their record, and damaged files."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch.nn.functional import interpolate

from ganbench import registry
from ganbench.data import open_dataset
from ganbench.errors import InputError, MissingDataError
from ganbench.networks.digit_cnn import (
    FEATURE_SIZE,
    accuracy,
    load_classifier,
    preprocess,
    tensors_hash,
)
from ganbench.weights.store import BUNDLED

NETWORKS = {"mnist-cnn": "mnist5k", "fashion-cnn": "fashion-mnist"}
LEAST = {"mnist-cnn": 0.98, "fashion-cnn": 0.90}


def record(name):
    with safe_open(BUNDLED / f"{name}.safetensors", framework="pt") as file:
        return file.metadata()


def data(name):
    """The dataset that a network was trained on; Fashion-MNIST may be missing."""
    try:
        source = open_dataset(NETWORKS[name])
        return source.load("train"), source.load("test")
    except MissingDataError:
        pytest.skip("needs Fashion-MNIST: Debian's package dataset-fashion-mnist has it")


@pytest.mark.parametrize(
    "name", ["mnist-cnn", pytest.param("fashion-cnn", marks=pytest.mark.debian)]
)
def test_accuracy_on_held_out_images_is_as_recorded(name):
    training, test = data(name)
    reached = accuracy(load_classifier(name), test.values, test.labels)
    assert reached >= LEAST[name]
    assert reached == pytest.approx(float(record(name)["test_accuracy"]), abs=0.001)
    # Were the split another one, the test images would not be held out.
    assert record(name)["trained_on_sha256"] == tensors_hash({"images": training.values})
    assert record(name)["tested_on"] == f"test ({len(test)})"


@pytest.mark.parametrize("name", NETWORKS)
def test_the_file_is_small_and_carries_its_record(name):
    path = BUNDLED / f"{name}.safetensors"
    facts = load_classifier(name).facts
    assert path.stat().st_size <= 700_000
    assert (facts.name, facts.feature_size, facts.classes) == (name, FEATURE_SIZE, 10)
    assert facts.weights_sha256 == tensors_hash(load_file(path)) == record(name)["weights_sha256"]
    assert facts.preprocessing == record(name)["preprocessing"]
    assert float(record(name)["test_accuracy"]) >= LEAST[name]
    assert record(name)["command"] == f"python tools/train_digit_cnn.py {name}"
    assert registry.networks.get(name)().facts == facts


def test_what_is_read_is_gray_and_in_range():
    values = torch.tensor([0, 255, 51], dtype=torch.uint8).view(3, 1, 1, 1).expand(3, 1, 28, 28)
    expected = torch.tensor([-1.0, 1.0, -0.6]).view(3, 1, 1, 1).expand(3, 1, 28, 28)
    assert torch.allclose(preprocess(values), expected)


def test_color_becomes_the_luminance_that_pillow_uses():
    color = torch.randint(0, 256, (28, 28, 3), generator=torch.Generator().manual_seed(0))
    image = Image.fromarray(color.to(torch.uint8).numpy()).convert("L")
    by_pillow = torch.tensor(list(image.tobytes())).view(28, 28)
    preprocessed = (preprocess(color.to(torch.uint8).permute(2, 0, 1)[None]) + 1) * 127.5
    assert (preprocessed - by_pillow).abs().max() <= 1.0  # Pillow rounds


@pytest.mark.parametrize("size", [8, 32, 64])
def test_another_size_is_resized_as_pillow_does(size):
    gray = torch.randint(0, 256, (size, size), generator=torch.Generator().manual_seed(size))
    image = Image.fromarray(gray.float().numpy(), mode=None).resize(
        (28, 28), Image.Resampling.BILINEAR
    )
    by_pillow = torch.tensor(list(image.get_flattened_data())).view(28, 28)
    preprocessed = (preprocess(gray.to(torch.uint8)[None, None]) + 1) * 127.5
    assert torch.allclose(preprocessed[0, 0], by_pillow, atol=0.01)


def test_a_larger_picture_of_a_digit_is_the_same_digit():
    test = open_dataset("mnist5k").load("test")
    larger = interpolate(test.values[:200].float(), (64, 64), mode="bilinear").to(torch.uint8)
    assert accuracy(load_classifier("mnist-cnn"), larger, test.labels[:200]) >= 0.95
    color = test.values[:200].expand(-1, 3, -1, -1)
    assert accuracy(load_classifier("mnist-cnn"), color, test.labels[:200]) >= 0.97


def test_answers_neither_change_nor_depend_on_the_batch():
    values = open_dataset("mnist5k").load("test").values[:40]
    network = load_classifier("mnist-cnn")
    first, again = network.extract(values), network.extract(values)
    assert torch.equal(first.features, again.features)
    alone = network.extract(values[7:8])
    assert torch.allclose(alone.features[0], first.features[7], atol=1e-4)
    assert first.features.shape == (40, FEATURE_SIZE)
    assert first.probabilities.shape == (40, 10)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copy(BUNDLED / "mnist-cnn.safetensors", tmp_path)
    return tmp_path / "mnist-cnn.safetensors"


def test_missing_weights_name_the_command_that_makes_them(tmp_path):
    with pytest.raises(MissingDataError, match="mnist-cnn") as raised:
        load_classifier("mnist-cnn", tmp_path)
    assert "python tools/train_digit_cnn.py mnist-cnn" in raised.value.hint


def test_a_changed_weight_is_noticed(copy):
    data = bytearray(copy.read_bytes())
    data[-100] ^= 1
    copy.write_bytes(data)
    with pytest.raises(InputError, match="damaged"):
        load_classifier("mnist-cnn", copy.parent)


def test_a_file_that_was_cut_short_is_noticed(copy):
    copy.write_bytes(copy.read_bytes()[:-1000])
    with pytest.raises(InputError, match="not a whole safetensors"):
        load_classifier("mnist-cnn", copy.parent)


def test_weights_of_another_network_are_refused(copy):
    tensors = {"weight": torch.zeros(3)}
    facts = {"name": "mnist-cnn", "version": "1", "weights_sha256": tensors_hash(tensors)}
    save_file(tensors, copy, facts)
    with pytest.raises(InputError, match="another network"):
        load_classifier("mnist-cnn", copy.parent)
