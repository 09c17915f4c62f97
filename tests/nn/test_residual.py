# SPDX-License-Identifier: MIT
"""Residual blocks and their normalizations, compared with their formulas."""

import pytest
import torch
from torch import nn
from torch.nn.functional import conv2d

from ganbench.nn.residual import (
    ClassBatchNorm2d,
    ConditionalBatchNorm2d,
    DownBlock,
    PlainBatchNorm2d,
    UpBlock,
    initialize_orthogonal,
)


def normalized(maps):
    """Return maps with mean 0 and variance 1 in each channel, over the batch and the pixels."""
    mean = maps.mean((0, 2, 3), keepdim=True)
    variance = (maps - mean).square().mean((0, 2, 3), keepdim=True)
    return (maps - mean) / (variance + 1e-5).sqrt()


def test_gains_and_biases_are_linear_in_the_condition():
    torch.manual_seed(0)
    layer = ConditionalBatchNorm2d(3, 5)
    maps, condition = 2 + 3 * torch.randn(6, 3, 4, 5), torch.randn(6, 5)
    gains = 1 + condition @ layer.gain.weight.T  # (6, 3)
    biases = condition @ layer.bias.weight.T
    expected = normalized(maps) * gains[:, :, None, None] + biases[:, :, None, None]
    torch.testing.assert_close(layer(maps, condition), expected)


def test_a_constant_term_starts_at_zero_and_is_shared_by_all_conditions():
    torch.manual_seed(0)
    layer = ConditionalBatchNorm2d(3, 5, constant=True)
    assert not layer.gain.bias.any()
    assert not layer.bias.bias.any()
    layer.gain.bias.data, layer.bias.bias.data = torch.randn(3), torch.randn(3)
    maps = torch.randn(6, 3, 4, 5)
    gains, biases = 1 + layer.gain.bias, layer.bias.bias
    expected = normalized(maps) * gains[:, None, None] + biases[:, None, None]
    torch.testing.assert_close(layer(maps, torch.zeros(6, 5)), expected)


def test_classes_have_gains_and_biases_of_their_own_which_start_as_none():
    torch.manual_seed(0)
    layer = ClassBatchNorm2d(2, 3)
    maps = torch.randn(4, 2, 3, 3)
    labels = torch.tensor([0, 2, 1, 2])
    torch.testing.assert_close(layer(maps, labels), normalized(maps))
    nn.init.normal_(layer.gain.weight)
    nn.init.normal_(layer.bias.weight)
    outputs = layer(maps, labels)
    for label, output, plain in zip(labels, outputs, normalized(maps), strict=True):
        gain, bias = 1 + layer.gain.weight[label], layer.bias.weight[label]
        torch.testing.assert_close(output, plain * gain[:, None, None] + bias[:, None, None])


def test_in_evaluation_an_example_does_not_depend_on_the_others():
    torch.manual_seed(0)
    layer = ConditionalBatchNorm2d(2, 3)
    maps, condition = torch.randn(4, 2, 3, 3), torch.randn(4, 3)
    layer(maps, condition)
    layer.eval()
    torch.testing.assert_close(layer(maps, condition)[:1], layer(maps[:1], condition[:1]))


def test_an_up_block_is_two_convolutions_of_doubled_maps_and_a_skip_connection():
    torch.manual_seed(0)
    block = UpBlock(3, 2, (8, 7), PlainBatchNorm2d)
    maps = torch.randn(4, 3, 4, 4)

    def repeated(small):
        return small.repeat_interleave(2, 2).repeat_interleave(2, 3)[:, :, :8, :7]

    inner = conv2d(
        repeated(normalized(maps).relu()), block.first.weight, block.first.bias, padding=1
    )
    inner = conv2d(normalized(inner).relu(), block.second.weight, block.second.bias, padding=1)
    skipped = conv2d(repeated(maps), block.skip.weight, block.skip.bias)
    torch.testing.assert_close(block(maps), inner + skipped)


@pytest.mark.parametrize(("halve", "first"), [(True, False), (True, True), (False, False)])
def test_a_down_block_is_two_convolutions_and_a_skip_connection(halve, first):
    torch.manual_seed(0)
    block = DownBlock(3, 2, halve=halve, first=first)
    maps = torch.randn(4, 3, 4, 6)
    inner = conv2d(maps if first else maps.relu(), block.first.weight, block.first.bias, padding=1)
    inner = conv2d(inner.relu(), block.second.weight, block.second.bias, padding=1)
    expected = inner + conv2d(maps, block.skip.weight, block.skip.bias)
    if halve:
        expected = expected.unflatten(2, (-1, 2)).unflatten(4, (-1, 2)).mean((3, 5))
    torch.testing.assert_close(block(maps), expected)


def test_orthogonal_weights_keep_lengths():
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Linear(6, 6), nn.Conv2d(2, 24, 3), nn.Embedding(4, 9))
    initialize_orthogonal(layers)
    for layer in layers:
        matrix = layer.weight.flatten(1)
        torch.testing.assert_close(
            torch.linalg.svdvals(matrix), torch.ones(min(matrix.shape)), atol=1e-5, rtol=0
        )
    assert not layers[0].bias.any()
    assert not layers[1].bias.any()
