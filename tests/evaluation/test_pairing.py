# SPDX-License-Identifier: MIT
"""Which images are compared in pairs."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ganbench.errors import ConfigError
from ganbench.evaluation.pairing import class_pairs, random_pairs
from ganbench.samples.sample_set import Facts, TensorSamples, of_tensor


def test_pairs_are_disjoint_and_the_same_for_the_same_count():
    pairs = random_pairs(5000)
    assert pairs.shape == (1000, 2)
    assert len(np.unique(pairs)) == 2000
    np.testing.assert_array_equal(pairs, random_pairs(5000))
    assert random_pairs(7).shape == (3, 2)
    assert random_pairs(1).shape == (0, 2)


def test_pairs_within_a_class_share_it():
    labels = np.repeat(np.arange(4), [40, 40, 15, 1])
    images = torch.zeros(96, 1, 2, 2, dtype=torch.uint8)
    samples = TensorSamples(images, Facts("labeled", "", "images"), labels=labels)
    pairs = class_pairs(samples)
    assert (labels[pairs[:, 0]] == labels[pairs[:, 1]]).all()
    np.testing.assert_array_equal(np.bincount(labels[pairs[:, 0]], minlength=4), [20, 20, 7, 0])
    assert len(np.unique(pairs)) == 2 * len(pairs)
    with pytest.raises(ConfigError, match="classes of samples are not known"):
        class_pairs(of_tensor(images[:5]))


def test_of_more_classes_than_pairs_a_random_choice_gives_one_each():
    labels = np.repeat(np.arange(1500), 2)
    images = torch.zeros(3000, 1, 1, 1, dtype=torch.uint8)
    pairs = class_pairs(TensorSamples(images, Facts("labeled", "", "images"), labels=labels))
    assert pairs.shape == (1000, 2)
    assert len(np.unique(labels[pairs[:, 0]])) == 1000
    assert labels[pairs].max() > 1000
