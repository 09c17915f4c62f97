# SPDX-License-Identifier: MIT
"""Training of the classifiers: augmentation, reproducibility, and what is written."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from scripts import checkout_script

from ganbench.data.dataset import Dataset
from ganbench.errors import ConfigError
from ganbench.gan import DataSpec
from ganbench.networks.digit_cnn import (
    SmallClassifier,
    accuracy,
    classifier_facts,
    load_classifier,
    preprocess,
)

training = checkout_script("tools/train_digit_cnn.py")
STILL = training.TrainingRecipe(dataset="any", epochs=1, minimum_accuracy=0.0)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def bars():
    """Ten classes that are easy to tell: a bright row at a height of its own."""
    labels = torch.arange(320) % 10
    values = torch.randint(0, 60, (320, 1, 28, 28), generator=generator(), dtype=torch.uint8)
    for index, label in enumerate(labels):
        values[index, 0, 2 * label + 4] = 255
    return Dataset(DataSpec("bars", "1", (1, 28, 28), 10), "train", values, labels)


def test_augmentation_of_no_extent_changes_nothing(bars):
    images = preprocess(bars.values[:8])
    assert torch.allclose(training.augment(images, STILL, generator()), images, atol=1e-5)


def test_a_flip_mirrors_some_images_and_no_others(bars):
    values = bars.values[:64].clone()
    values[:, :, :, :10] = 0
    images = preprocess(values)
    moved = training.augment(images, replace(STILL, flip=True), generator())
    same = torch.isclose(moved, images, atol=1e-4).flatten(1).all(dim=1)
    mirrored = torch.isclose(moved, images.flip(3), atol=1e-4).flatten(1).all(dim=1)
    assert (same ^ mirrored).all()
    assert 0.3 < mirrored.float().mean() < 0.7


def test_a_shift_stays_within_its_extent():
    images = torch.full((200, 1, 28, 28), -1.0)
    images[:, :, 14, 14] = 1.0
    moved = training.augment(images, replace(STILL, shift_pixels=2.0), generator()) + 1
    rows = torch.arange(28.0).view(1, 28, 1)
    centers = (moved[:, 0] * rows).sum(dim=(1, 2)) / moved[:, 0].sum(dim=(1, 2))
    assert (centers - 14).abs().max() <= 2.01
    assert (centers - 14).abs().max() > 1.5
    outside = training.augment(images * 0 - 1, replace(STILL, elastic_pixels=3.0), generator())
    assert torch.allclose(outside, torch.tensor(-1.0))  # the background continues


def test_training_learns_and_repeats_bit_for_bit(bars):
    recipe = replace(STILL, epochs=6, batch_size=32, rotation_degrees=2.0, elastic_pixels=0.2)
    torch.manual_seed(1)
    first = training.train(bars, recipe)
    torch.manual_seed(2)
    second = training.train(bars, recipe)
    for name, tensor in first.state_dict().items():
        assert torch.equal(tensor, second.state_dict()[name])
    network = SmallClassifier(first, classifier_facts("bars", 1, ""))
    assert accuracy(network, bars.values, bars.labels) >= 0.9


def test_what_is_written_is_read_back(bars, tmp_path, monkeypatch):
    monkeypatch.setitem(training.RECIPES, "bars", replace(STILL, version=7))
    module = training.train(bars, STILL)
    reached = training.write("bars", module, bars, bars, tmp_path)
    network = load_classifier("bars", tmp_path)
    assert network.facts.version == 7
    assert accuracy(network, bars.values, bars.labels) == reached


def test_a_poor_network_is_not_written(bars, tmp_path, monkeypatch):
    monkeypatch.setitem(training.RECIPES, "bars", replace(STILL, minimum_accuracy=1.01))
    with pytest.raises(ConfigError, match="was expected"):
        training.write("bars", training.train(bars, STILL), bars, bars, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_network_suggests_the_nearest(capsys):
    assert training.main(["mnist-cn"]) == 2
    assert "Did you mean 'mnist-cnn'?" in capsys.readouterr().err
