# SPDX-License-Identifier: MIT
"""The layers of transformers, compared with their formulas; images as patches and back."""

import math

import pytest
import torch
from torch import nn

from ganbench.nn.transformer import (
    GatedUnits,
    HeadedAttention,
    ModulatedBlock,
    PlainBlock,
    image_of,
    initialize_transformer,
    patch_grid,
    patch_side,
    patches_of,
    position_codes,
)


def unit(values):
    return values / values.square().mean(-1, keepdim=True).sqrt()


@torch.no_grad()
def test_attention_is_a_softmax_of_products_in_each_head():
    torch.manual_seed(0)
    layer = HeadedAttention(64)
    layer.gains.uniform_(0.5, 2)
    tokens = torch.randn(1, 5, 64)
    parts = tokens[0] @ layer.to_three.weight.T + layer.to_three.bias  # (5, 192)
    means = []
    for head in range(2):
        span = slice(32 * head, 32 * head + 32)
        queries, keys, values = (
            parts[:, 64 * index : 64 * index + 64][:, span] for index in range(3)
        )
        queries, keys = layer.gains[0] * unit(queries), layer.gains[1] * unit(keys)
        powers = (queries @ keys.T / math.sqrt(32)).exp()
        means.append(powers / powers.sum(1, keepdim=True) @ values)
    expected = torch.cat(means, 1) @ layer.project.weight.T + layer.project.bias
    torch.testing.assert_close(layer(tokens)[0], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("width", "heads"), [(4, 1), (32, 1), (96, 3), (100, 1), (768, 24)])
def test_heads_have_about_32_channels(width, heads):
    assert HeadedAttention(width).heads == heads


@torch.no_grad()
def test_units_are_gated():
    torch.manual_seed(0)
    layer = GatedUnits(6)
    tokens = torch.randn(2, 3, 6)
    gates, units = (tokens @ layer.expand.weight.T + layer.expand.bias).split(16, 2)
    expected = (gates * gates.sigmoid() * units) @ layer.contract.weight.T + layer.contract.bias
    torch.testing.assert_close(layer(tokens), expected)


@torch.no_grad()
def test_a_style_scales_what_enters_and_gates_what_leaves():
    torch.manual_seed(0)
    block = ModulatedBlock(8, 3)
    tokens, styles = torch.randn(2, 5, 8), torch.randn(2, 3)
    scale, gate, unit_scale, unit_gate = (
        (styles @ part.T)[:, None] for part in block.modulate.weight.split(8)
    )
    nn.init.zeros_(block.modulate.bias)
    expected = tokens + gate * block.attention(unit(tokens) * (1 + scale))
    expected = expected + unit_gate * block.units(unit(expected) * (1 + unit_scale))
    torch.testing.assert_close(block(tokens, styles), expected, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_a_plain_block_begins_with_a_tenth_of_its_changes():
    torch.manual_seed(0)
    block = PlainBlock(8)
    tokens = torch.randn(2, 5, 8)
    expected = tokens + 0.1 * block.attention(unit(tokens))
    expected = expected + 0.1 * block.units(unit(expected))
    torch.testing.assert_close(block(tokens), expected, rtol=1e-4, atol=1e-5)


def test_gradients_of_gradients_are_right():
    torch.manual_seed(0)
    block = PlainBlock(4).double()
    tokens = torch.randn(1, 3, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(block, tokens)


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 50, 50), (3, 48, 64), (2, 64, 24)])
def test_patches_join_to_the_image_they_were_cut_from(shape):
    side = patch_side(*shape[1:])
    rows, columns = patch_grid(*shape[1:], side)
    assert rows * columns <= 100
    assert math.prod(patch_grid(*shape[1:], side // 2)) > 100, "patches are as small as allowed"
    images = torch.randn(2, *shape)
    patches = patches_of(images, side)
    assert patches.shape == (2, rows * columns, shape[0] * side**2)
    second = images[:, :, :side, side : 2 * side].flatten(1)  # the one to the right of the first
    assert torch.equal(patches[:, 1], second)
    assert torch.equal(image_of(patches, shape[1:], side), images)


@pytest.mark.parametrize("width", [4, 6, 96])
def test_every_place_has_a_code_of_its_own(width):
    codes = position_codes(6, 5, width)
    assert codes.shape == (30, width)
    distances = torch.cdist(codes, codes) + 10 * torch.eye(30)
    assert distances.min() > 0.05
    count = -(-width // 4)
    for place in (0, 7, 29):
        row, column = divmod(place, 5)
        assert float(codes[place, 0]) == pytest.approx(math.sin(row))
        if width > 2 * count:
            assert float(codes[place, 2 * count]) == pytest.approx(math.sin(column), abs=1e-6)


def test_layers_that_modulate_begin_with_a_tenth_of_the_deviation():
    torch.manual_seed(0)
    block = ModulatedBlock(96, 96)
    initialize_transformer(block)
    for layer, gain in ((block.modulate, 0.1), (block.units.expand, 1.0)):
        expected = gain * math.sqrt(2 / sum(layer.weight.shape))
        assert float(layer.weight.detach().std()) == pytest.approx(expected, rel=0.05)
        assert not layer.bias.any()
