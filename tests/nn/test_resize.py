# SPDX-License-Identifier: MIT
"""Resizing: TensorFlow 1's rule bit for bit, and Pillow's filter against its definition."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from fake_card import fake_card
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch_fidelity.interpolate_compat_tensorflow import interpolate_bilinear_2d_like_tensorflow1x
from torchvision.transforms.functional import normalize

from ganbench.nn.resize import (
    IMAGENET,
    bicubic_float,
    bicubic_uint8,
    standardized,
    tf1_bilinear,
    three_channels,
)


def images(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)


def as_torch_fidelity(values, size):
    return interpolate_bilinear_2d_like_tensorflow1x(values.float(), size=size, align_corners=False)


@pytest.mark.parametrize(
    ("height", "width"),
    [(28, 28), (32, 32), (64, 48), (299, 299), (299, 32), (1, 1), (2, 7), (256, 300), (512, 640)],
)
def test_tf1_bilinear_has_the_bits_of_torch_fidelity(height, width):
    values = images(2, 3, height, width)
    before = values.clone()
    resized = tf1_bilinear(values, (299, 299))
    assert resized.dtype == torch.float32
    assert torch.equal(resized, as_torch_fidelity(values, (299, 299)))
    assert torch.equal(values, before)


@given(st.integers(1, 90), st.integers(1, 90), st.integers(1, 90), st.integers(1, 90))
def test_tf1_bilinear_has_the_bits_of_torch_fidelity_at_any_size(height, width, tall, wide):
    given = images(1, 1, height, width, seed=height)
    assert torch.equal(tf1_bilinear(given, (tall, wide)), as_torch_fidelity(given, (tall, wide)))


def test_tf1_bilinear_leaves_floats_that_are_given_alone():
    values = images(1, 3, 20, 20).float()
    before = values.clone()
    tf1_bilinear(values, (31, 31))
    assert torch.equal(values, before)


def keys(places):
    """Keys' cubic with a = -1/2 (1981), which is Pillow's."""
    x = np.abs(places)
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def matrix(length, target):
    """The weights (target, length) of antialiased bicubic resizing, half-pixel centers."""
    scale = length / target
    stretch = max(1.0, scale)
    centers = (np.arange(target) + 0.5) * scale
    weights = keys((np.arange(length) + 0.5 - centers[:, None]) / stretch)
    return weights / weights.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(("height", "width"), [(32, 32), (20, 45), (130, 64), (40, 40)])
def test_bicubic_float_is_antialiased_clipped_and_not_rounded(height, width):
    values = images(2, 3, height, width)
    resized = bicubic_float(values, (40, 40))
    expected = matrix(height, 40) @ values.numpy().astype(float) @ matrix(width, 40).T
    assert resized.dtype == torch.float32
    assert np.abs(resized.numpy() - expected.clip(0, 255)).max() < 1e-3
    if height < 40:
        assert (expected < 0).any()  # so that clipping was seen
    if (height, width) != (40, 40):
        assert (resized != resized.round()).float().mean() > 0.5


def test_bicubic_float_does_not_depend_on_threads():
    values = images(9, 3, 33, 21)
    alone = bicubic_float(values, (50, 50))
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        assert torch.equal(bicubic_float(values, (50, 50)), alone)
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(("height", "width"), [(28, 28), (60, 31)])
def test_bicubic_uint8_is_pillow_on_a_picture(height, width):
    values = images(2, 3, height, width)
    expected = [
        np.asarray(
            Image.fromarray(image.permute(1, 2, 0).numpy()).resize(
                (45, 44), Image.Resampling.BICUBIC
            )
        )
        for image in values
    ]
    resized = bicubic_uint8(values, (44, 45))
    assert torch.equal(resized.permute(0, 2, 3, 1), torch.from_numpy(np.stack(expected)))


def test_bicubic_uint8_crops_the_middle():
    values = images(1, 1, 10, 15)
    assert torch.equal(bicubic_uint8(values, (10, 10), crop=True), values[..., 2:12])
    tall = values.transpose(2, 3)
    assert torch.equal(bicubic_uint8(tall, (10, 10), crop=True), tall[:, :, 2:12])


def test_standardized_is_torchvisions_and_repeats_gray():
    values = images(2, 3, 5, 6).float()
    assert torch.allclose(standardized(values, IMAGENET), normalize(values / 255, *IMAGENET))
    gray = values[:, :1]
    assert torch.allclose(
        standardized(gray, IMAGENET), normalize(gray.repeat(1, 3, 1, 1) / 255, *IMAGENET)
    )
    assert torch.equal(three_channels(gray), gray.repeat(1, 3, 1, 1))


def test_what_a_resize_needs_is_sent_to_a_card_once(monkeypatch):
    values = images(2, 3, 7, 5)
    with fake_card(monkeypatch) as card:
        there = values.to("cuda")
        for _ in range(3):
            resized = standardized(tf1_bilinear(there, (11, 9)), IMAGENET)
            sent, stops = card.sent_bytes, card.stops
        standardized(tf1_bilinear(there, (11, 9)), IMAGENET)
        assert (card.sent_bytes, card.stops) == (sent, stops)
        assert torch.equal(resized.cpu(), standardized(tf1_bilinear(values, (11, 9)), IMAGENET))
