# SPDX-License-Identifier: MIT
"""Pixels as features."""

from __future__ import annotations

import pytest
import torch

from ganbench.errors import InputError
from ganbench.networks.pixels import pixels
from ganbench.runtime.inference import Compute


def images(count, channels, height, width):
    generator = torch.Generator().manual_seed(0)
    shape = (count, channels, height, width)
    return torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)


def test_small_images_are_their_pixels_in_any_precision():
    values = images(3, 3, 28, 20)
    for compute in (Compute(), Compute(precision="bf16"), Compute(engine="openvino")):
        extracted = pixels().extract(values, compute=compute)
        assert torch.equal(extracted.features, values.flatten(1) / 255)
        assert extracted.probabilities is None


def test_large_images_are_means_of_blocks():
    values = images(2, 1, 64, 96)
    blocks = values.view(2, 1, 32, 2, 32, 3).float().mean(dim=(3, 5)) / 255
    assert torch.allclose(pixels().extract(values).features, blocks.flatten(1), atol=1e-6)


def test_only_a_side_above_32_is_reduced():
    assert pixels().extract(images(1, 1, 20, 64)).features.shape == (1, 20 * 32)


def test_images_of_sizes_that_stay_different_are_refused():
    with pytest.raises(InputError, match="pixels reads images of one size"):
        pixels().extract([images(1, 1, 28, 28)[0], images(1, 1, 20, 28)[0]])


def test_the_protocol_names_no_weights():
    assert pixels().facts.protocol == "pixels/max32px-area-unit"
