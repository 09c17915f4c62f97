# SPDX-License-Identifier: MIT
"""Grids of images, pixel by pixel, and the number of images that are drawn."""

import numpy as np
import pytest
import torch

from ganbench.gan import DataSpec
from ganbench.kinds import kind_of
from ganbench.kinds.image import grid


def test_a_grid_is_exact_to_the_pixel():
    images = torch.arange(1, 6, dtype=torch.uint8).mul(40).view(5, 1, 1, 1).expand(5, 1, 2, 3)
    made = np.array(grid(images, padding=1, least_width=1))
    # Three columns of 3 pixels and two rows of 2, with white lines of one pixel between.
    expected = np.full((2 * 3 + 1, 3 * 4 + 1), 255)
    for index, value in enumerate((40, 80, 120, 160, 200)):
        top, left = 1 + 3 * (index // 3), 1 + 4 * (index % 3)
        expected[top : top + 2, left : left + 3] = value
    assert made.tolist() == expected.tolist()


def test_a_grid_keeps_rows_columns_and_channels_apart():
    image = torch.arange(2 * 3 * 3, dtype=torch.uint8).view(1, 3, 2, 3)
    made = np.array(grid(image, padding=0, least_width=1))
    assert made.shape == (2, 3, 3)
    assert made.tolist() == image[0].permute(1, 2, 0).tolist()


def test_a_small_grid_is_enlarged_by_whole_pixels():
    images = torch.tensor([[0, 255], [255, 0]], dtype=torch.uint8).view(1, 1, 2, 2)
    made = np.array(grid(images, padding=0, least_width=10))
    assert made.tolist() == np.kron([[0, 255], [255, 0]], np.ones((5, 5), int)).tolist()


@pytest.mark.parametrize("channels", [1, 3])
def test_what_networks_see_of_images_becomes_the_same_images(channels):
    data = DataSpec("images", "1", (channels, 8, 8))
    kind = kind_of(data)
    samples = torch.randint(256, (5, channels, 8, 8), dtype=torch.uint8)
    seen = kind.to_network(samples, data)
    assert torch.equal(seen, samples.float() * (2 / 255) - 1)
    assert torch.equal(kind.to_samples(seen, data), samples)
    assert kind.valid(samples, data).tolist() == [True] * 5
    seen[2, 0, 0, 0] = float("nan")
    assert kind.to_samples(seen, data).dtype == torch.float32
    assert kind.valid(seen, data).tolist() == [True, True, False, True, True]


def test_how_many_images_are_pictured_and_measured():
    digits, stacks = DataSpec("d", "1", (1, 28, 28), 10), DataSpec("s", "1", (3, 28, 28), 1000)
    assert kind_of(digits).pictured == 64
    assert [kind_of(data).measured(data) for data in (digits, stacks)] == [5000, 26_000]
