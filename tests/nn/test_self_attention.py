# SPDX-License-Identifier: MIT
"""Self-attention over pixels, compared with its formula written out pixel by pixel."""

import math

import pytest
import torch
from torch import nn

from ganbench.nn.self_attention import SelfAttention2d, attention_stage


def attention(channels):
    torch.manual_seed(0)
    layer = SelfAttention2d(channels)
    nn.init.constant_(layer.gamma, 0.5)
    return layer


@torch.no_grad()
def test_each_pixel_gets_the_weighted_mean_of_all():
    layer = attention(16)
    maps = torch.randn(2, 16, 3, 4)
    weights = {
        name: getattr(layer, name).weight[:, :, 0, 0]
        for name in ("key", "query", "value", "output")
    }
    assert weights["key"].shape == (8, 16)
    expected = torch.empty_like(maps)
    for image, result in zip(maps, expected, strict=True):
        pixels = [image[:, row, column] for row in range(3) for column in range(4)]
        for j, attending in enumerate(pixels):
            scores = [
                float((weights["key"] @ attended) @ (weights["query"] @ attending))
                for attended in pixels
            ]
            total = sum(math.exp(score) for score in scores)
            mean = sum(
                math.exp(score) / total * (weights["value"] @ attended)
                for score, attended in zip(scores, pixels, strict=True)
            )
            result[:, j // 4, j % 4] = attending + 0.5 * (weights["output"] @ mean)
    torch.testing.assert_close(layer(maps), expected)


@pytest.mark.parametrize(
    ("channels", "inner"), [(4, 8), (16, 8), (32, 8), (64, 8), (72, 9), (128, 16)]
)
def test_an_eighth_of_the_channels_is_compared_and_no_fewer_than_eight(channels, inner):
    layer = SelfAttention2d(channels)
    for name in ("key", "query", "value"):
        assert getattr(layer, name).weight.shape == (inner, channels, 1, 1)
    assert layer.output.weight.shape == (channels, inner, 1, 1)


def test_it_begins_as_the_identity():
    torch.manual_seed(0)
    maps = torch.randn(2, 4, 3, 3)
    assert torch.equal(SelfAttention2d(4)(maps), maps)


def test_a_far_pixel_acts_on_every_other():
    layer = attention(8)
    maps = torch.randn(1, 8, 4, 4, requires_grad=True)
    (gradient,) = torch.autograd.grad(layer(maps)[0, :, 0, 0].sum(), maps)
    assert gradient.abs().sum(1).all()


def test_gradients_of_gradients_are_right():
    layer = attention(8).double()
    maps = torch.randn(1, 8, 2, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(layer, maps)


@pytest.mark.parametrize(
    ("sizes", "stage"),
    [
        ([(8, 8), (16, 16), (32, 32)], 1),
        ([(32, 32), (16, 16), (8, 8)], 1),
        ([(10, 10), (19, 19)], 0),
        ([(32, 12), (64, 24)], 0),
        ([(64, 64), (32, 32)], 1),
    ],
)
def test_the_largest_affordable_map_attends(sizes, stage):
    assert attention_stage(sizes) == stage
