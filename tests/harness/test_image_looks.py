# SPDX-License-Identifier: MIT
"""Latents between others, and the training images next to samples."""

import numpy as np
import pytest
import torch
from torch import nn

from ganbench.evaluation.feature_network import FeatureNetwork, NetworkFacts
from ganbench.harness.image_looks import ROWS, TrainingImages, _path
from ganbench.harness.state_paths import slerp


class Pixels(FeatureNetwork):
    """The pixels themselves."""

    def prepare(self, images):
        return images.float().flatten(1)


def described(values):
    network = Pixels(nn.Identity(), NetworkFacts("pixels", 1, "", "raw", values[0].numel(), 0))
    features = values.flatten(1).numpy().astype(np.float32)
    return TrainingImages(values, features, network, channelwise=False, copies=None)


def test_the_path_on_the_sphere_begins_and_ends_at_its_latents_and_keeps_their_length():
    first, second = torch.randn(2, ROWS, 64, generator=torch.Generator().manual_seed(0))
    first, second = (7 * nn.functional.normalize(ends) for ends in (first, second))
    path = _path(first, second, slerp).view(ROWS, ROWS, 64)
    assert torch.allclose(path[:, 0], first, atol=1e-4)
    assert torch.allclose(path[:, -1], second, atol=1e-4)
    assert torch.allclose(path.norm(dim=2), torch.tensor(7.0), atol=1e-3)
    line = _path(first, second, torch.lerp).view(ROWS, ROWS, 64)
    assert torch.allclose(line[:, 3], first + (second - first) * 3 / 7, atol=1e-5)
    assert float(line.norm(dim=2).min()) < 6


def test_a_ratio_is_the_distance_over_that_of_the_neighbor_to_its_own():
    values = torch.zeros(20, 1, 1, 2, dtype=torch.uint8)
    values[:, 0, 0, 0] = torch.arange(20) * 10  # on a line, ten apart
    samples = torch.tensor([[[[30, 0]]], [[[30, 5]]], [[[80, 40]]]], dtype=torch.uint8)
    ratios, neighbors = described(values).compare(samples)
    assert ratios == pytest.approx([0.0, 0.5, 4.0])
    assert neighbors[:, 0].tolist() == [3, 3, 8]
    assert neighbors.shape == (3, ROWS - 1)
    assert set(neighbors[0, 1:3].tolist()) == {2, 4}


def test_copies_of_duplicates_are_copies():
    values = torch.zeros(20, 1, 1, 2, dtype=torch.uint8)
    values[10:, 0, 0, 0] = 200
    ratios, _ = described(values).compare(torch.tensor([[[[200, 0]]], [[[200, 9]]]]).to(values))
    assert ratios[0] == 0.0
    assert ratios[1] > 1000
