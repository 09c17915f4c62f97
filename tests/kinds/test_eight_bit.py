# SPDX-License-Identifier: MIT
"""Pixels of eight bits and floats in [-1, 1]: one rule, there and back."""

import pytest
import torch

from ganbench.kinds.eight_bit import as_uint8, channels_last, finite_uint8, to_network, to_uint8


@pytest.mark.parametrize(
    ("value", "pixel"),
    [(-1.0, 0), (1.0, 255), (0.0, 128), (-9.0, 0), (9.0, 255), (-1 + 2 / 255, 1), (1 - 1e-6, 255)],
)
def test_the_rule_from_the_range_of_tanh_to_pixels(value, pixel):
    assert to_uint8(torch.full((1, 1, 1, 1), value)).item() == pixel


def test_pixels_come_back_from_the_range_of_the_networks():
    pixels = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(to_uint8(pixels.float() * (2 / 255) - 1), pixels)


def test_all_256_values_come_back_from_what_the_networks_see():
    pixels = torch.arange(256, dtype=torch.uint8)
    seen = to_network(pixels)
    assert (float(seen.min()), float(seen.max())) == (-1, 1)
    assert torch.equal(to_uint8(seen), pixels)


def test_what_is_not_finite_stays_float_until_it_is_shown():
    values = torch.tensor([[[[float("nan"), float("inf")], [-float("inf"), 1.0]]]])
    assert finite_uint8(values) is values
    assert finite_uint8(torch.zeros(1)).tolist() == [128]
    assert as_uint8(values).tolist() == [[[[128, 255], [0, 255]]]]
    assert channels_last(values).tolist() == [[[[128], [255]], [[0], [255]]]]
