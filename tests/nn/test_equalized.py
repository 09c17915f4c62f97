# SPDX-License-Identifier: MIT
"""Equalized and modulated layers, compared with the formulas of their papers."""

import pytest
import torch
from torch import nn
from torch.nn.functional import conv2d

from ganbench.nn.equalized import (
    EqualizedConv2d,
    EqualizedLinear,
    MinibatchDeviation,
    ModulatedConv2d,
)


def test_a_linear_layer_is_scaled_when_it_is_used():
    layer = EqualizedLinear(9, 4, bias=2.0, learning_rate=0.5)
    values = torch.randn(3, 9)
    expected = values @ (layer.weight * 0.5 / 3).T + 2.0
    torch.testing.assert_close(layer(values), expected)
    assert abs(EqualizedLinear(500, 500).weight.std() - 1) < 0.01


def test_unit_variance_stays_and_the_learning_rate_is_that_of_the_function():
    layer = EqualizedConv2d(16, 64)
    maps = torch.randn(8, 16, 12, 12)
    assert abs(layer(maps)[:, :, 1:-1, 1:-1].std() - 1) < 0.1
    slow, fast = EqualizedLinear(4, 2, learning_rate=0.1), EqualizedLinear(4, 2)
    values = torch.randn(5, 4)
    for each in (slow, fast):
        before = each(values)
        optimizer = torch.optim.Adam(each.parameters(), 1e-3)
        before.sum().backward()
        optimizer.step()
        each.moved = (each(values) - before).abs().mean().item()
    assert slow.moved == pytest.approx(0.1 * fast.moved, rel=1e-3)


@pytest.mark.parametrize("demodulate", [True, False])
def test_modulation_scales_the_weights_of_each_example(demodulate):
    """Equations 1 and 3, with the weights of each example written out."""
    layer = ModulatedConv2d(3, 5, 6, demodulate=demodulate)
    nn.init.normal_(layer.bias)
    maps, styles, noise = torch.randn(4, 3, 7, 7), torch.randn(4, 6), torch.randn(4, 1, 7, 7)
    scales = layer.affine(styles)
    outputs = layer(maps, styles, noise)
    for index in range(4):
        weight = layer.weight * 27**-0.5 * scales[index][None, :, None, None]
        if demodulate:
            weight = weight / (weight.square().sum((1, 2, 3), keepdim=True) + 1e-8).sqrt()
        expected = conv2d(maps[index], weight, layer.bias, padding=1) + noise[index]
        torch.testing.assert_close(outputs[index], expected, atol=1e-5, rtol=1e-5)


def test_demodulation_takes_back_what_all_channels_share():
    layer = ModulatedConv2d(3, 5, 6)
    maps, styles = torch.randn(4, 3, 7, 7), torch.randn(4, 6)
    torch.testing.assert_close(layer(7 * maps, styles), 7 * layer(maps, styles))
    before = layer(maps, styles)
    with torch.no_grad():
        layer.affine.weight *= 3
        layer.affine.bias *= 3
    torch.testing.assert_close(layer(maps, styles), before, atol=1e-5, rtol=1e-4)


def test_the_deviation_is_that_of_consecutive_groups():
    maps = torch.randn(8, 2, 3, 3)
    outputs = MinibatchDeviation(4)(maps)
    assert torch.equal(outputs[:, :2], maps)
    for start in (0, 4):
        group = maps[start : start + 4]
        expected = group.std(0, correction=0).mean().expand(4, 3, 3)
        torch.testing.assert_close(outputs[start : start + 4, 2], expected)
    halves = torch.cat([MinibatchDeviation(4)(half) for half in maps.chunk(2)])
    assert torch.equal(halves, outputs), "two processes see what one sees"
    alike = MinibatchDeviation(4)(maps[:1].expand(6, -1, -1, -1))
    assert alike[:, 2].max() < 1e-3
