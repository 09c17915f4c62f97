# SPDX-License-Identifier: MIT
"""Small real sets: noise with a classifier, points of a known mixture, and digits."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ganbench.data import open_dataset
from ganbench.data.dataset import Dataset
from ganbench.gan import DataSpec, Mixture

SQUARE = Mixture(((0.0, 0.0), (4.0, 0.0), (0.0, 4.0), (4.0, 4.0)), 0.1)


@pytest.fixture
def noise():
    """60 gray images of noise that mnist-cnn classifies."""
    spec = DataSpec("noise", "3", (1, 28, 28), 10, network="mnist-cnn")
    random = np.random.default_rng(0)
    values = torch.from_numpy(random.integers(0, 256, (60, *spec.shape), dtype=np.uint8))
    return Dataset(spec, "train", values)


@pytest.fixture
def square():
    """500 points around the corners of a square, which are a known mixture."""
    random = np.random.default_rng(0)
    centers = np.array(SQUARE.centers)[random.integers(4, size=500)]
    values = torch.from_numpy(centers + 0.1 * random.normal(size=(500, 2))).float()
    return Dataset(DataSpec("square", "1", (2,), mixture=SQUARE), "train", values)


@pytest.fixture(scope="module")
def digits():
    """The 1,000 digits of mnist5k's test split."""
    return open_dataset("mnist5k").load("test")
