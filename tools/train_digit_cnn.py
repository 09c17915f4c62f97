# SPDX-License-Identifier: MIT
"""Train the small classifiers again, and write their weights and their record.

    python tools/train_digit_cnn.py mnist-cnn       # about two minutes on one core
    python tools/train_digit_cnn.py fashion-cnn     # about eight; needs Fashion-MNIST

The last epoch's weights are kept; the test split selects nothing and is only reported. Training
on one thread is reproducible on one kind of processor. On others the last digits differ, so the
published weights are the ones in the package, and their hash is part of every protocol.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn.functional import affine_grid, cross_entropy, grid_sample, interpolate

from ganbench.data import Dataset, open_dataset
from ganbench.errors import ConfigError, GanbenchError, suggest
from ganbench.networks.digit_cnn import (
    PREPROCESSING,
    RESOLUTION,
    DigitCNN,
    SmallClassifier,
    accuracy,
    classifier_facts,
    preprocess,
)
from ganbench.records.atomic_files import replacing
from ganbench.weights.store import BUNDLED, tensors_hash


@dataclass(frozen=True, kw_only=True)
class TrainingRecipe:
    """How a classifier is trained; every range of augmentation is symmetric around zero change.

    ``shear`` is a slope, ``scale`` the largest relative change of size, ``elastic_pixels`` the
    standard deviation of a smooth displacement field.
    """

    dataset: str
    version: int = 1
    epochs: int
    batch_size: int = 128
    learning_rate: float = 3e-3
    weight_decay: float = 0.05
    rotation_degrees: float = 0.0
    scale: float = 0.0
    shear: float = 0.0
    shift_pixels: float = 0.0
    elastic_pixels: float = 0.0
    flip: bool = False
    seed: int = 0
    minimum_accuracy: float


RECIPES = {
    "mnist-cnn": TrainingRecipe(
        dataset="mnist5k",
        epochs=40,
        rotation_degrees=12.0,
        scale=0.12,
        shear=0.2,
        shift_pixels=2.0,
        elastic_pixels=0.8,
        minimum_accuracy=0.98,
    ),
    "fashion-cnn": TrainingRecipe(
        dataset="fashion-mnist",
        epochs=12,
        weight_decay=0.01,
        shift_pixels=1.0,
        flip=True,
        minimum_accuracy=0.90,
    ),
}


def train(data: Dataset, recipe: TrainingRecipe) -> DigitCNN:
    """Return a network trained on images (N, C, H, W) uint8 with labels (N,), on one thread."""
    assert data.labels is not None
    generator = torch.Generator().manual_seed(recipe.seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        network = DigitCNN()
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
    )
    batches_per_epoch = len(data) // recipe.batch_size
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe.learning_rate, total_steps=recipe.epochs * batches_per_epoch
    )
    for epoch in range(recipe.epochs):
        order = torch.randperm(len(data), generator=generator)
        total = 0.0
        for indices in order[: batches_per_epoch * recipe.batch_size].chunk(batches_per_epoch):
            images = augment(preprocess(data.values[indices]), recipe, generator)
            loss = cross_entropy(network(images)[1], data.labels[indices])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            total += loss.item()
        sys.stderr.write(f"epoch {epoch + 1:2d}  loss {total / batches_per_epoch:.4f}\n")
    return network


def augment(images: Tensor, recipe: TrainingRecipe, generator: torch.Generator) -> Tensor:
    """Return images (B, 1, 28, 28) in [-1, 1], each moved by a random affine and elastic field."""
    count = len(images)

    def uniform(extent: float) -> Tensor:
        return (torch.rand(count, generator=generator) * 2 - 1) * extent

    angle = uniform(math.radians(recipe.rotation_degrees))
    horizontal, vertical = 1 + uniform(recipe.scale), 1 + uniform(recipe.scale)
    shear = uniform(recipe.shear)
    shift = 2 * recipe.shift_pixels / RESOLUTION  # the grid spans [-1, 1]
    if recipe.flip:
        horizontal = horizontal * torch.randint(2, (count,), generator=generator).mul(2).sub(1)
    cosine, sine = angle.cos(), angle.sin()
    rows = [
        torch.stack([cosine * horizontal, shear - sine * vertical, uniform(shift)], dim=1),
        torch.stack([sine * horizontal, cosine * vertical, uniform(shift)], dim=1),
    ]
    grid = affine_grid(torch.stack(rows, dim=1), list(images.shape), align_corners=False)
    if recipe.elastic_pixels:
        coarse = torch.randn(count, 2, 5, 5, generator=generator)
        extent = 2 * recipe.elastic_pixels / RESOLUTION
        size = (RESOLUTION, RESOLUTION)
        field = interpolate(coarse, size, mode="bicubic", align_corners=True) * extent
        grid = grid + field.permute(0, 2, 3, 1)  # (B, 28, 28, 2)
    # The outside is background, which is -1, so images are shifted to [0, 2] for sampling.
    return grid_sample(images + 1, grid, padding_mode="zeros", align_corners=False) - 1


def write(name: str, network: DigitCNN, training: Dataset, test: Dataset, folder: Path) -> float:
    """Write ``name.safetensors`` with its record as metadata, and return the test accuracy.

    The record holds the hash of the training images, so that a test notices when a dataset's
    split has changed and held-out images have become training images.

    Args:
        name: The name of the network and its recipe.
        network: The trained network.
        training: The split that it was trained on.
        test: The split that it is tested on.
        folder: Where the file is written.

    Raises:
        ConfigError: the network is worse than its recipe requires; nothing is written.
    """
    recipe = RECIPES[name]
    assert test.labels is not None
    classifier = SmallClassifier(network, classifier_facts(name, recipe.version, ""))
    test_accuracy = accuracy(classifier, test.values, test.labels)
    if test_accuracy < recipe.minimum_accuracy:
        raise ConfigError(
            f"{name} reached {test_accuracy:.2%} on the test split; at least "
            f"{recipe.minimum_accuracy:.0%} was expected, so its weights were not written."
        )
    record = {
        "name": name,
        "version": str(recipe.version),
        "dataset": f"{test.spec.name}:v{test.spec.version}",
        "trained_on": f"{training.split} ({len(training)})",
        "trained_on_sha256": tensors_hash({"images": training.values}),
        "tested_on": f"{test.split} ({len(test)})",
        "test_accuracy": f"{test_accuracy:.4f}",
        "preprocessing": PREPROCESSING,
        "command": f"python tools/train_digit_cnn.py {name}",
    }
    tensors = {key: value.contiguous() for key, value in network.state_dict().items()}
    record["weights_sha256"] = tensors_hash(tensors)
    with replacing(folder / f"{name}.safetensors") as temporary:
        save_file(tensors, temporary, record)
    return test_accuracy


def main(arguments: Sequence[str] | None = None) -> int:
    """Train one network by name; return the exit code."""
    parser = argparse.ArgumentParser(prog="python tools/train_digit_cnn.py")
    parser.add_argument("network", help=" or ".join(RECIPES))
    parser.add_argument("-o", "--out", type=Path, default=BUNDLED, help="folder for the weights")
    options = parser.parse_args(arguments)
    try:
        if options.network not in RECIPES:
            raise ConfigError(
                f"Unknown network '{options.network}'. {suggest(options.network, RECIPES)}".strip(),
                f"There are: {', '.join(RECIPES)}.",
            )
        recipe = RECIPES[options.network]
        source = open_dataset(recipe.dataset)
        training = source.load("train")
        torch.set_num_threads(1)  # sums in a fixed order, so that a seed gives the same weights
        network = train(training, recipe)
        test = source.load("test")
        test_accuracy = write(options.network, network, training, test, options.out)
    except GanbenchError as error:
        sys.stderr.write(f"{error.message} {error.hint}".strip() + "\n")
        return error.exit_code
    sys.stdout.write(
        f"{options.network}: {test_accuracy:.2%} on the test split, in {options.out}\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
